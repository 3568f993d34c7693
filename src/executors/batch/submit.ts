import type { Log } from "../../host/log.ts";
import type { Refusal } from "../../plan/decision.ts";
import type { Caller } from "./calls.ts";
import type { Scheduler, Submission } from "./scheduler.ts";

const RETRY_SECONDS = [2, 5, 10, 20, 30] as const;
const LOOK_SECONDS = [0, 1, 2, 5, 10, 20, 30] as const;

export type SubmitResult =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly refusal: Refusal };

export interface SubmitTools {
  readonly scheduler: Scheduler;
  readonly call: Caller;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly sleep: (seconds: number) => Promise<void>;
  /**
   * Puts on disk whether there may be a job of this name: true just before each try, false once there surely is none.
   * Only while it says true must cleanup ask the scheduler.
   */
  readonly noteMayExist: (mayExist: boolean) => void;
}

/** Submits once: while the controller is down it tries again, and when an answer is lost it looks the job up by name. */
export async function submitJob(job: Submission, tools: SubmitTools): Promise<SubmitResult> {
  const { scheduler, call, log, signal, noteMayExist } = tools;
  const from = scheduler.title;
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    noteMayExist(true);
    const submitted = scheduler.readSubmission(
      await call(scheduler.submit(job), scheduler.patience.submit),
    );
    if (submitted.kind === "accepted") return { ok: true, id: submitted.id };
    if (submitted.kind === "refused") {
      noteMayExist(false);
      const message = `${scheduler.title} refused the job: ${submitted.message}`;
      return { ok: false, refusal: { fault: "user", message, from } };
    }
    if (submitted.kind === "lost") {
      const found = await lookUp(job.name, tools);
      // Only when there is surely none may it be submitted again: a second job would run the script twice.
      if (found === "unknown") return unanswered(scheduler, submitted.message);
      if (found !== "none") return { ok: true, id: found };
    }
    noteMayExist(false);
    const seconds = RETRY_SECONDS[tries];
    if (seconds === undefined) return unanswered(scheduler, submitted.message);
    if (tries === 0)
      log.warn(`${scheduler.title} does not answer (${submitted.message}); trying again`);
    await sleepUnlessAborted(seconds, tools);
  }
}

function sleepUnlessAborted(
  seconds: number,
  { sleep, signal }: Pick<SubmitTools, "sleep" | "signal">,
): Promise<unknown> {
  if (signal.aborted) return Promise.resolve();
  const aborted = new Promise((resolve) =>
    signal.addEventListener("abort", resolve, { once: true }),
  );
  return Promise.race([sleep(seconds), aborted]);
}

function unanswered({ title }: Scheduler, said: string): SubmitResult {
  const message = `${title} does not answer: ${said}`;
  return { ok: false, refusal: { fault: "system", message, from: title } };
}

/** The id of the job with this name; `none` when there surely is none, `unknown` when nobody answers. */
export async function lookUp(
  name: string,
  tools: Pick<SubmitTools, "scheduler" | "call" | "sleep">,
): Promise<string | "none" | "unknown"> {
  const { sleep } = tools;
  let answered = 0;
  for (const seconds of LOOK_SECONDS) {
    await sleep(seconds);
    const found = await idsOf(name, tools);
    if (found?.[0] !== undefined) return found[0];
    // Once is not enough: the controller may show a new job a moment later.
    if (found !== undefined && ++answered === 2) return "none";
  }
  return "unknown";
}

/** Jobs of that name that the scheduler knows, also those that have ended; undefined when it could not be asked. */
async function idsOf(
  name: string,
  { scheduler, call }: Pick<SubmitTools, "scheduler" | "call">,
): Promise<readonly string[] | undefined> {
  for (const question of [scheduler.find(name), scheduler.findEnded?.(name)]) {
    if (question === undefined) continue;
    const found = scheduler.readFound(await call(question, scheduler.patience.query));
    if (found === undefined || found.length > 0) return found;
  }
  return [];
}

import { isOver } from "./answers.ts";
import { type Caller, makeCaller } from "./calls.ts";
import { type BatchRecord, writeRecord } from "./record.ts";
import type { JobState, Scheduler } from "./scheduler.ts";
import { lookUp } from "./submit.ts";

const TRIES = 3;
const POLL_SECONDS = 0.5;

export interface CancelTools {
  readonly scheduler: Scheduler;
  readonly call: Caller;
  readonly sleep: (seconds: number) => Promise<void>;
  readonly now: () => number;
}

/** Asks for a job's state, in every form that the scheduler needs. */
export async function askState(
  id: string,
  { scheduler, call }: Pick<CancelTools, "scheduler" | "call">,
): Promise<JobState> {
  let question = scheduler.query(id);
  for (let form = 0; form < 4; form++) {
    const state = scheduler.readState(await call(question, scheduler.patience.query), id);
    if (!("again" in state)) return state;
    question = state.again;
  }
  return { phase: "unreachable", message: "the scheduler gave no answer that can be read" };
}

/** Cancels a job and waits until it has really ended, at most `seconds`; false when that was not seen. */
export async function cancelJob(id: string, seconds: number, tools: CancelTools): Promise<boolean> {
  const { scheduler, call, sleep, now } = tools;
  const deadline = now() + seconds * 1000;
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = scheduler.readCancel(
      await call(scheduler.cancel(id), scheduler.patience.cancel),
    );
    if (answer !== "retry") break;
    await sleep(1 + tries);
  }
  for (;;) {
    if (isOver(await askState(id, tools))) return true;
    if (now() >= deadline) return false;
    await sleep(POLL_SECONDS);
  }
}

/** Cancels what a killed hook left of a batch job, by what was written before it was submitted. */
export async function cancelRecorded(
  file: string,
  record: BatchRecord,
  scheduler: Scheduler,
): Promise<"none" | "cancelled" | "unsure"> {
  if (record.ended) return "none";
  const call = makeCaller(record.programs, record.env);
  const sleep = (seconds: number) => Bun.sleep(seconds * 1000);
  const tools = { scheduler, call, sleep, now: Date.now };
  const found = record.id ?? (await lookUp(record.name, tools));
  if (found === "none") return "none";
  if (found === "unknown") return "unsure";
  const id = found;
  const over = isOver(await askState(id, tools));
  const done = over || (await cancelJob(id, scheduler.cancelSeconds, tools));
  if (done) writeRecord(file, { ...record, id, ended: true });
  if (over) return "none";
  return done ? "cancelled" : "unsure";
}

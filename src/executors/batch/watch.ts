import type { Log } from "../../host/log.ts";
import type { Outcome } from "../../plan/outcome.ts";
import { isOver } from "./answers.ts";
import { askState, type CancelTools } from "./cancel.ts";
import { judge, type Marker } from "./judge.ts";
import type { JobState } from "./scheduler.ts";

/** All times in seconds. */
export interface WatchTimes {
  /** Between looks at the marker file. */
  readonly marker: number;
  /** First pause between questions to the scheduler; grows by half each time. */
  readonly queryFrom: number;
  /** Longest pause: `[batch] command_delay`. */
  readonly queryTo: number;
  /** How long a result may be late on a slow file system: `[batch] nfs_timeout`. */
  readonly late: number;
  /** How long a request that can never run is left in the queue; 0: for ever. */
  readonly impossible: number;
}

export interface WatchInput extends CancelTools {
  readonly id: string;
  readonly nonce: string;
  readonly times: WatchTimes;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly readMarker: () => Marker | undefined;
  /** How often the job's wrapper was started. */
  readonly countStarts: () => number;
}

/** How long the scheduler may take to note the end after the script's own result is there. */
const SETTLE_SECONDS = 30;
/** Without a marker a job that the scheduler cut short is not waited for longer than this. */
const CUT_SECONDS = 2;
const PENDING_LINE_SECONDS = 60;

export interface WatchResult {
  readonly outcome: Outcome;
  /** The job has ended: by the scheduler's word, or its program for sure. Else it must still be cancelled. */
  readonly over: boolean;
}

/** Waits for a batch job's end and judges it. The marker file is watched; the scheduler is asked seldom. */
export async function watchJob(input: WatchInput): Promise<WatchResult> {
  const { times, signal, sleep, now } = input;
  const say = makeReporter(input);
  let pause = times.queryFrom;
  let nextQuery = now();
  let state: JobState = { phase: "unreachable", message: "not asked yet" };
  for (;;) {
    signal.throwIfAborted();
    const marker = input.readMarker();
    if (marker !== undefined) return await settle(input, marker, say);
    if (now() >= nextQuery) {
      state = await askState(input.id, input);
      const stuck = say(state);
      if (stuck !== undefined) return { outcome: stuck, over: false };
      if (isOver(state)) return await waitForMarker(input, state);
      nextQuery = now() + pause * 1000;
      pause = Math.min(pause * 1.5, times.queryTo);
    }
    await sleep(times.marker);
  }
}

/**
 * The script's own result is there: what does the scheduler say? It may take a while, because of an epilog or of a
 * controller that is down; then the result counts alone, and the log says so.
 */
async function settle(input: WatchInput, marker: Marker, say: Reporter): Promise<WatchResult> {
  const { id, scheduler, log, now, sleep, signal } = input;
  const deadline = now() + SETTLE_SECONDS * 1000;
  for (let pause = 0.05; ; pause = Math.min(pause * 1.5, 2)) {
    signal.throwIfAborted();
    const state = await askState(id, input);
    if (state.phase === "unreachable") say(state);
    if (isOver(state)) return verdict(input, state, marker);
    if (now() >= deadline) {
      const { title } = scheduler;
      const still = "word" in state ? `still says ${state.word}` : "does not answer";
      log.warn(
        `${title} job ${id}: ${title} ${still} ${SETTLE_SECONDS} s after the script's end; the script's own result counts`,
      );
      // Its program has ended, so there is nothing to cancel; but what waits again would run again.
      return { ...verdict(input, state, marker), over: state.phase !== "pending" };
    }
    await sleep(pause);
  }
}

/** The scheduler says that the job is over, and its result may still be on its way through a slow file system. */
async function waitForMarker(input: WatchInput, state: JobState): Promise<WatchResult> {
  const { now, sleep, times, signal } = input;
  const wasCut = state.phase === "ended" && state.ending.kind === "cut";
  const deadline = now() + (wasCut ? Math.min(CUT_SECONDS, times.late) : times.late) * 1000;
  for (;;) {
    signal.throwIfAborted();
    const marker = input.readMarker();
    if (marker !== undefined || now() >= deadline) return verdict(input, state, marker);
    await sleep(times.marker);
  }
}

function verdict(input: WatchInput, state: JobState, marker: Marker | undefined): WatchResult {
  const { scheduler, id, nonce } = input;
  const job = `${scheduler.title} job ${id}`;
  const outcome = judge({ job, nonce, marker, starts: input.countStarts(), state });
  return { outcome, over: isOver(state) };
}

type Reporter = (state: JobState) => Outcome | undefined;

/** Tells the job log why a job waits, when that changes; gives an outcome when it waits for what can never be. */
function makeReporter(input: WatchInput): Reporter {
  const { scheduler, id, log, now, times } = input;
  const job = `${scheduler.title} job ${id}`;
  let said = "";
  let saidAt = Number.NEGATIVE_INFINITY;
  let hopelessSince: number | undefined;
  let unreachable = false;
  return (state) => {
    if (state.phase === "unreachable") {
      if (!unreachable)
        log.warn(
          `${scheduler.title} does not answer (${state.message}); the job goes on, and so does waiting`,
        );
      unreachable = true;
      return undefined;
    }
    if (unreachable) log.log(`${scheduler.title} answers again`);
    unreachable = false;
    if (state.phase === "running" && said !== "running") {
      if (said !== "") log.log(`${job} runs`);
      said = "running";
    }
    if (state.phase !== "pending") return undefined;
    const hopeless = state.impossible ?? (state.held ? `held (${state.reason})` : undefined);
    const start = state.startsAt ? `, expected to start at ${state.startsAt}` : "";
    const text = hopeless ?? (state.reason && `${state.reason}${start}`);
    const isDue = hopeless !== undefined || now() - saidAt >= PENDING_LINE_SECONDS * 1000;
    const isNews = text !== "" && text !== said && isDue;
    if (isNews) {
      log.log(`${job} waits: ${text}`);
      said = text;
      saidAt = now();
    }
    hopelessSince = hopeless === undefined ? undefined : (hopelessSince ?? now());
    const isEnough =
      hopelessSince !== undefined &&
      times.impossible > 0 &&
      now() - hopelessSince >= times.impossible * 1000;
    if (!isEnough) return undefined;
    const message = `${job} can never run: ${text}; it was cancelled after ${times.impossible} s ([batch] impossible_after)`;
    if (state.impossible === undefined && state.held === "system")
      return { kind: "failed", message, retryable: false };
    return { kind: "refused", refusal: { fault: "user", message, from: "SCHEDULER_PARAMETERS" } };
  };
}

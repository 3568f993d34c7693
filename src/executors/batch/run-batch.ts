import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { entryPath } from "../../bash/entry-path.ts";
import { quoteCommand, quoteWord } from "../../bash/quote.ts";
import { batchEnvironment, batchJobProgram } from "../../bash/templates.ts";
import { errorMessage, readIfExists, writeAll } from "../../host/files.ts";
import { followFile } from "../../host/follow.ts";
import type { Log } from "../../host/log.ts";
import { dropProgramCode } from "../../host/memory.ts";
import type { Outcome } from "../../plan/outcome.ts";
import type { BatchRecipe, Prepared } from "../attempt.ts";
import { writeEntry } from "../entry.ts";
import { batchSummary } from "../summary.ts";
import { submissionOf } from "./batch-plan.ts";
import { makeCaller } from "./calls.ts";
import { type CancelTools, cancelJob } from "./cancel.ts";
import { readFigures } from "./figures.ts";
import { readMarker } from "./judge.ts";
import { type BatchRecord, writeRecord } from "./record.ts";
import { schedulerNamed } from "./schedulers.ts";
import { submitJob } from "./submit.ts";
import { type WatchResult, type WatchTimes, watchJob } from "./watch.ts";

export interface BatchWork {
  readonly prepared: Prepared;
  readonly recipe: BatchRecipe;
  /** The script that gitlab-runner generated. */
  readonly script: string;
  readonly stage: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told once when a job that was submitted has ended. */
  readonly note: (figures: BatchFigures) => void;
}

/** In seconds, by this host's clock. */
export interface BatchFigures {
  /** From submission to the start of the job's program, or to the end of one that never started. */
  readonly queue: number;
  /** From there to the end; absent when it never started. */
  readonly run?: number;
}

const NAME_LETTERS = 13;
const STDOUT = 1;
/** After that a job that still waits has done everything that it will do again and again. */
const AT_REST_MILLISECONDS = 5000;

/** Submits the script, follows its output into the job log, waits for its end and judges it. */
export async function runBatch(work: BatchWork): Promise<Outcome> {
  const { recipe, log, signal } = work;
  const scheduler = schedulerNamed(recipe.scheduler);
  if (scheduler === undefined) throw new Error(`no scheduler ${recipe.scheduler}`);
  const call = makeCaller(recipe.programs, recipe.env);
  const sleep = (seconds: number) => Bun.sleep(seconds * 1000);
  const tools: CancelTools = { scheduler, call, sleep, now: Date.now };
  const name = `ci${crypto.randomUUID().replaceAll("-", "").slice(0, NAME_LETTERS)}`;
  const nonce = crypto.randomUUID();
  const submission = prepareSpool(work, name, nonce);
  const record: BatchRecord = {
    version: 1,
    scheduler: scheduler.name,
    name,
    programs: recipe.programs,
    env: recipe.env,
    ended: false,
  };
  log.log(quoteCommand(scheduler.submit(submission).argv));
  const noteMayExist = (mayExist: boolean) =>
    writeRecord(recipe.recordFile, { ...record, ended: !mayExist });
  const submitted = await submitJob(submission, { ...tools, log, signal, noteMayExist });
  if (!submitted.ok) return { kind: "refused", refusal: submitted.refusal };
  const { id } = submitted;
  writeRecord(recipe.recordFile, { ...record, id });
  log.log(`Submitted ${scheduler.title} job ${id}`);
  const { outcome, over } = await follow(work, { id, nonce, tools });
  summarize(work, `${scheduler.title} job ${id}`, outcome);
  try {
    // What was told to end and has not been seen to end is cleanup's.
    if (over) writeRecord(recipe.recordFile, { ...record, id, ended: true });
  } catch (error) {
    // The outcome counts; cleanup asks the scheduler once more.
    log.warn(`cannot note the end of ${scheduler.title} job ${id}: ${errorMessage(error)}`);
  }
  return outcome;
}

function summarize({ prepared, recipe, log }: BatchWork, job: string, outcome: Outcome): void {
  if (prepared.summary === undefined) return;
  const end = { job, ...readFigures(recipe.plan.files), outcome };
  for (const line of batchSummary(prepared.summary, end, Date.now())) log.log(line);
}

/** A fresh directory for the job's files, the entry program and the wrapper that the scheduler starts. */
function prepareSpool(work: BatchWork, name: string, nonce: string) {
  const { prepared, recipe, script, stage } = work;
  const { inner, plan } = recipe;
  const { files } = plan;
  rmSync(files.directory, { recursive: true, force: true });
  mkdirSync(files.directory, { mode: 0o700 });
  const { entry, record } = writeEntry(prepared.scripts, inner, script, stage, { gated: true });
  const program = batchJobProgram({
    ...plan.program,
    kind: inner.kind,
    command: [...inner.argv, entry],
    record,
    nonce,
    umask: process.umask().toString(8),
  });
  writeFileSync(files.environment, batchEnvironment(inner.env), { mode: 0o600 });
  writeFileSync(files.wrapper, program, { mode: 0o700 });
  return submissionOf(plan, name);
}

interface Running {
  readonly id: string;
  readonly nonce: string;
  readonly tools: CancelTools;
}

async function follow(work: BatchWork, { id, nonce, tools }: Running): Promise<WatchResult> {
  const { prepared, recipe, log, signal } = work;
  const { files } = recipe.plan;
  if (recipe.inner.shown !== undefined) {
    log.log(`${recipe.inner.shown} ${quoteWord(entryPath(prepared.scripts, work.stage))}`);
  }
  const clock = startClock(() => countStarts(files.started) > 0);
  const output = followFile(files.output, { write: writeToLog, reopen: true });
  const rest = setTimeout(dropProgramCode, AT_REST_MILLISECONDS);
  const cancel = async () => {
    const done = await cancelJob(id, prepared.killTimeout / 1000, tools);
    if (!done)
      log.warn(`${tools.scheduler.title} job ${id} was told to end and is not seen to have ended`);
    return done;
  };
  try {
    const { outcome, over } = await watchJob({
      ...tools,
      id,
      nonce,
      log,
      signal,
      times: watchTimes(recipe),
      readMarker: () => {
        clock.look();
        return readMarker(readIfExists(files.marker));
      },
      countStarts: () => countStarts(files.started),
    });
    clock.look();
    work.note(clock.figures());
    // Judged without having ended: what can never run, or what waits to run again.
    const ended = over || (await cancel());
    const said = outcome.kind === "failed" ? tail(files.output) : "";
    const limit = said === "" ? undefined : tools.scheduler.readOutput?.(said, id);
    return {
      outcome: limit === undefined ? withHint(outcome, said, files.directory) : overLimit(limit),
      over: ended,
    };
  } catch (error) {
    work.note(clock.figures());
    if (!signal.aborted) throw error;
    log.log(`Cancelling ${tools.scheduler.title} job ${id}`);
    const message = `${tools.scheduler.title} job ${id} was cancelled`;
    return { outcome: { kind: "cancelled", message }, over: await cancel() };
  } finally {
    clearTimeout(rest);
    await output.done();
  }
}

/** How often the job's program was started. */
function countStarts(file: string): number {
  return (readIfExists(file) ?? "").split("\n").filter((line) => line !== "").length;
}

/** Tells the queue's time from the script's; the start is seen when somebody looks. */
function startClock(hasStarted: () => boolean) {
  const submitted = performance.now();
  let started: number | undefined;
  return {
    look: () => {
      if (started === undefined && hasStarted()) started = performance.now();
    },
    figures: (): BatchFigures => {
      const now = performance.now();
      const queue = ((started ?? now) - submitted) / 1000;
      return started === undefined ? { queue } : { queue, run: (now - started) / 1000 };
    },
  };
}

function overLimit(message: string): Outcome {
  return { kind: "refused", refusal: { fault: "user", message, from: "scheduler" } };
}

function writeToLog(bytes: Uint8Array): void {
  try {
    writeAll(STDOUT, bytes);
  } catch {
    // A log that nobody reads any more must not decide a job's result.
  }
}

function watchTimes(recipe: BatchRecipe): WatchTimes {
  const { commandDelay, nfsTimeout, impossibleAfter } = recipe.plan.times;
  return {
    marker: 0.2,
    queryFrom: Math.min(1, commandDelay),
    queryTo: commandDelay,
    late: nfsTimeout,
    impossible: impossibleAfter,
  };
}

/** ch-run's own words about FUSE say nothing to a user, and who finds no space can write no word. */
function withHint(outcome: Outcome, said: string, spool: string): Outcome {
  if (outcome.kind === "failed" && isFull(spool)) {
    const message = `${outcome.message}; no space is left on the file system of ${spool} ([general] data_dir)`;
    return { ...outcome, message };
  }
  if (
    outcome.kind !== "failed" ||
    !/fuse: failed to open \/dev\/fuse|too many FUSE errors/.test(said)
  )
    return outcome;
  const message = `${outcome.message}; the node lets no user open /dev/fuse, which a SquashFS image needs: set [general.charliecloud] disable_convert with a shared image_storage_dir`;
  return { ...outcome, message };
}

function isFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < SPACE_BYTES;
  } catch {
    return false;
  }
}

/** Less than the job's last words and result need. */
const SPACE_BYTES = 64 * 1024;
const TAIL_BYTES = 8192;

function tail(path: string): string {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return "";
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, size - bytes.length));
  } finally {
    closeSync(fd);
  }
}

import { appendFileSync } from "node:fs";
import { SystemFailure } from "../host/failure.ts";
import { errorCode, readJson, writeAtomically } from "../host/files.ts";
import type { ProcessIdentity } from "../host/proc.ts";
import type { StageKind } from "../job/stages.ts";
import type { BatchPlan } from "./batch/batch-plan.ts";
import type { Note } from "./notes.ts";
import type { SummaryStart } from "./summary.ts";

/**
 * One attempt at a job: config, prepare, the stages and cleanup share the private directory that gitlab-runner makes
 * for them (TMPDIR). `config` and `prepare` write files there; later hooks read them and no configuration.
 */
export const STATE_VARIABLE = "JACAMAR_CI_STATE";

const VERSION = 1;
const STATE_FILE = "jacamar-state.json";
const PREPARED_FILE = "jacamar-prepared.json";
const RUNNING_FILE = "jacamar-running.json";
export const SUPERVISE_FILE = "jacamar-supervise.bash";
/** The same for the user's script, with the summary of the job at its end. */
export const SUMMARY_FILE = "jacamar-summary.bash";

/** How one kind of stage is started. */
export interface Recipe {
  readonly kind: "host" | "container";
  /** The command up to the path of the stage's entry program. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** For the job log, redacted and quoted, without the entry program; absent: nothing is shown. */
  readonly shown?: string;
  /** Container only: shells inside the image. */
  readonly interpreter?: string;
  readonly shell?: string;
  /** Host only: directory that holds `gitlab-runner` when the login shell's PATH has none, or empty. */
  readonly fallback?: string;
}

/** How the user's script is submitted; see batch/run-batch.ts. */
export interface BatchRecipe {
  readonly scheduler: string;
  /** Absolute paths of the scheduler's programs, by name. */
  readonly programs: Readonly<Record<string, string>>;
  /** Environment of the scheduler's commands. */
  readonly env: Readonly<Record<string, string>>;
  readonly plan: BatchPlan;
  /** What runs on the node. */
  readonly inner: Recipe;
  /** Where the job is noted before it is submitted. */
  readonly recordFile: string;
}

/** What `prepare` hands to `run`. */
export interface Prepared {
  readonly version: number;
  readonly bash: string;
  /** Directory for the entry programs, visible inside containers. */
  readonly scripts: string;
  /** Working directory of every stage. */
  readonly cwd: string;
  /** Milliseconds between TERM and KILL. */
  readonly killTimeout: number;
  readonly recipes: Readonly<Record<StageKind, Recipe>>;
  /** Absent with `executor = "shell"`. */
  readonly batch?: BatchRecipe;
  /** Why artifact stages cannot work on this host; absent when they can. */
  readonly noArtifacts?: string;
  /** Absent: no summary is printed. */
  readonly summary?: SummaryStart;
}

/** Path of the attempt's directory, from what `config` put into the environment of later hooks. */
export function attemptDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const path = env[STATE_VARIABLE];
  if (path === undefined || !path.startsWith("/")) {
    throw new SystemFailure(
      `${STATE_VARIABLE} is ${path === undefined ? "not set" : `"${path}"`}; wanted: the path that the config hook handed on through job_env`,
    );
  }
  return path.slice(0, path.lastIndexOf("/"));
}

/** Later hooks get the path from `config`; when that failed, the attempt's directory is still the hook's TMPDIR. */
export function knownAttempt(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const path = env[STATE_VARIABLE];
  if (path?.startsWith("/")) return path.slice(0, path.lastIndexOf("/"));
  return env["TMPDIR"]?.startsWith("/") ? env["TMPDIR"].replace(/\/+$/, "") : undefined;
}

export function statePath(directory: string): string {
  return `${directory}/${STATE_FILE}`;
}

export function readState<T extends { readonly version: number }>(
  directory: string,
): T | undefined {
  return checked<T>(statePath(directory));
}

export function writeState<T extends { readonly version: number }>(
  directory: string,
  state: T,
): void {
  writeAtomically(statePath(directory), JSON.stringify(state));
}

export function readPrepared(directory: string): Prepared | undefined {
  return checked<Prepared>(`${directory}/${PREPARED_FILE}`);
}

export function writePrepared(directory: string, prepared: Prepared): void {
  writeAtomically(`${directory}/${PREPARED_FILE}`, JSON.stringify(prepared));
}

/** Lines of JSON about what has happened so far; supervise.bash appends to it, too. */
export function notesPath(directory: string): string {
  return `${directory}/jacamar-notes.jsonl`;
}

/** Never fails a job: a note that is missing is a figure that is missing. */
export function appendNote(directory: string, note: Note): void {
  try {
    appendFileSync(notesPath(directory), `${JSON.stringify(note)}\n`, { mode: 0o600 });
  } catch (error) {
    if (errorCode(error) === "") throw error;
  }
}

export function runningPath(directory: string): string {
  return `${directory}/${RUNNING_FILE}`;
}

/** The process of the latest stage; undefined before the first. */
export function readRunning(directory: string): ProcessIdentity | undefined {
  return readJson(runningPath(directory)) as ProcessIdentity | undefined;
}

function checked<T extends { readonly version: number }>(path: string): T | undefined {
  const value = readJson(path) as T | undefined;
  if (value === undefined || value === null || typeof value !== "object") return undefined;
  if (value.version !== VERSION) {
    throw new SystemFailure(
      `${path} has version ${JSON.stringify(value.version)}; wanted: ${VERSION}. Was the driver replaced while this job ran?`,
    );
  }
  return value;
}

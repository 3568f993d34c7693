import { mkdirSync } from "node:fs";
import { readJson, writeAtomically } from "../../host/files.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * What is on disk about a batch job, named by the attempt's token, written just before the job is submitted: so that
 * whoever cleans up after a killed hook finds the scheduler's job, also when the answer to the submission was lost, and
 * need not ask when nothing was submitted.
 */
export interface BatchRecord {
  readonly version: 1;
  readonly scheduler: Scheduler["name"];
  /** Unique job name. */
  readonly name: string;
  /** Absent until the scheduler has given one. */
  readonly id?: string;
  /** Absolute paths of the scheduler's programs, by name. */
  readonly programs: Readonly<Record<string, string>>;
  /** Environment of the scheduler's commands. */
  readonly env: Readonly<Record<string, string>>;
  /** Nothing is left to cancel: the job's end was seen, or no submission can have made one. */
  readonly ended: boolean;
}

/** Outside everything that a container sees. */
export function recordFile(dataDir: string, token: string): string {
  return `${dataDir}/batch/${token}.json`;
}

export function writeRecord(file: string, record: BatchRecord): void {
  mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  writeAtomically(file, JSON.stringify(record));
}

/** Undefined when there is none, or one that another version of the driver wrote. */
export function readRecord(file: string): BatchRecord | undefined {
  const value = readJson(file) as BatchRecord | undefined;
  return value?.version === 1 && typeof value.name === "string" ? value : undefined;
}

import { chmodSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { unlinkIfThere, writeAtomically } from "../../host/files.ts";
import type { Directories } from "../../plan/directories.ts";

const DAYS = 30;
const DAY_MILLISECONDS = 24 * 3600 * 1000;

/** Where the reproducer of a job stays after the job. */
export function reproducerPath({ dataDir, projectKey }: Directories, jobId: string): string {
  return `${dataDir}/reproducers/${projectKey}/job-${jobId}.bash`;
}

/** Writes it for its user alone, and removes those of the same project that have grown old; `now` in ms since 1970. */
export function writeReproducer(path: string, text: string, now: number): void {
  const directory = path.slice(0, path.lastIndexOf("/"));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  for (const name of readdirSync(directory)) {
    const other = `${directory}/${name}`;
    const written = statSync(other, { throwIfNoEntry: false })?.mtimeMs ?? now;
    if (now - written > DAYS * DAY_MILLISECONDS) unlinkIfThere(other);
  }
  writeAtomically(path, text, 0o700);
}

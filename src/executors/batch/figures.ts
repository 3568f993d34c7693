import { statSync } from "node:fs";
import { readIfExists } from "../../host/files.ts";
import type { SpoolFiles } from "./batch-plan.ts";

/** What a batch job's own files tell of it; absent: unknown. */
export interface BatchFigures {
  readonly node?: string;
  readonly queueSeconds?: number;
  readonly runSeconds?: number;
}

/**
 * Node and times of a batch job, from the files of its spool: the wrapper is written just before the submission, a line
 * of `started` by the job's first program, the marker by its last. All times are the file system's, so that clocks of
 * node and runner host need not agree. A job that was started twice has no times.
 */
export function readFigures(files: SpoolFiles): BatchFigures {
  const starts = (readIfExists(files.started) ?? "").split("\n").filter((line) => line !== "");
  const node = starts[0]?.split(" ")[3] ?? "";
  if (starts.length !== 1) return node === "" ? {} : { node };
  const [submitted, started, ended] = [files.wrapper, files.started, files.marker].map(writtenAt);
  const queueSeconds = between(submitted, started);
  const runSeconds = between(started, ended);
  return {
    ...(node !== "" && { node }),
    ...(queueSeconds !== undefined && { queueSeconds }),
    ...(runSeconds !== undefined && { runSeconds }),
  };
}

/** Milliseconds since 1970; undefined when there is no such file. */
function writtenAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function between(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined || to < from ? undefined : (to - from) / 1000;
}

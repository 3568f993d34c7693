import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { SystemFailure } from "../../host/failure.ts";
import { errorMessage } from "../../host/files.ts";
import { type FileJob, readJobFile } from "../../runner/job-file.ts";
import type { TryRequest } from "./request.ts";

/** The job that was asked for, and what of its file is not acted on. */
export interface TriedJob {
  readonly job: FileJob;
  readonly ignored: readonly string[];
}

const USUAL_FILE = ".gitlab-ci.yml";

/**
 * The job of a file, or one that consists of a command.
 *
 * @throws FileMistake for what the file says, SystemFailure when there is none
 */
export function triedJob({ source }: TryRequest, cwd: string): TriedJob {
  if (source.kind === "command") {
    const image = source.image === undefined ? {} : { image: { name: source.image } };
    return { job: { name: "try", script: [source.script], ...image }, ignored: [] };
  }
  const file = source.file ?? USUAL_FILE;
  if (source.file === undefined && !existsSync(resolve(cwd, file)))
    throw new SystemFailure(
      `try: no job: ${cwd} has no ${USUAL_FILE}; wanted: FILE [--job NAME], or [--image REF] -- COMMAND…`,
    );
  return readJobFile(textOf(resolve(cwd, file)), file, source.job);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new SystemFailure(`try: cannot read the job file: ${errorMessage(error)}`);
  }
}

import { isFileSource } from "../../charliecloud/mount-points.ts";
import { errorMessage } from "../../host/files.ts";
import type { Log } from "../../host/log.ts";
import { redact } from "../../host/redact.ts";
import type { Job } from "../../job/job.ts";
import type { UserScript } from "../../job/user-script.ts";
import type { BatchRecipe, Recipe } from "../attempt.ts";
import type { JobPlan } from "../job-plan.ts";
import type { AttemptState } from "../site.ts";
import { reproducerText } from "./reproducer.ts";
import { reproducerPath, writeReproducer } from "./write-reproducer.ts";

/** With `true` a job asks for its reproducer, with `false` it wants none, whatever the site keeps. */
const VARIABLE = "JACAMAR_CI_REPRODUCER";

/**
 * Writes the script that runs the job's script again by hand, where the site keeps logs or the job asks for it, and gives
 * its path. What goes wrong with it is told and fails no job.
 */
export function makeReproducer(input: {
  readonly plan: JobPlan;
  readonly state: AttemptState;
  readonly job: Job;
  readonly script: UserScript | undefined;
  readonly recipe: Recipe;
  readonly batch: BatchRecipe | undefined;
  readonly log: Log;
}): string | undefined {
  const { plan, state, job, script, log } = input;
  const { directories, claimDirectories, settings } = state;
  const asked = job.variables[VARIABLE] ?? "";
  const isAsked = ["true", "1"].includes(asked);
  const isWanted = isAsked || (settings.general.retain_logs && !["false", "0"].includes(asked));
  if (directories === undefined || !isWanted) return undefined;
  const { anchors = [], below = [] } = plan.step ?? {};
  const isFile = ({ source }: { readonly source: string }) => isFileSource(source);
  const text =
    script &&
    reproducerText({
      ...input,
      script,
      directories,
      claimDirectories,
      directoriesToMake: [
        ...anchors.map(({ source }) => source),
        ...below.map((point) => (isFile(point) ? parentOf(point.path) : point.path)),
      ],
      filesToMake: below.filter(isFile).map(({ path }) => path),
      redact,
      umask: process.umask().toString(8),
    });
  if (text === undefined) {
    const why =
      "this gitlab-runner does not tell the job's script and directory (JOB_RESPONSE_FILE)";
    if (isAsked) log.warn(`${VARIABLE}: the script cannot be kept to run it again: ${why}`);
    return undefined;
  }
  const path = reproducerPath(directories, job.id);
  try {
    writeReproducer(path, text, Date.now());
  } catch (error) {
    log.warn(`cannot keep the script to run it again: ${errorMessage(error)}`);
    return undefined;
  }
  return path;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

import { SystemFailure } from "../host/failure.ts";
import { readIfExists } from "../host/files.ts";
import type { Job, Secrets } from "../job/job.ts";
import { readJob } from "../job/read-job.ts";
import type { UserScript } from "../job/user-script.ts";
import type { Environment } from "./hook.ts";

/** The job of this hook, from the payload that gitlab-runner wrote; before 14.1 from the environment alone. */
export function loadJob(env: Environment): {
  readonly job: Job;
  readonly secrets: Secrets;
  readonly script?: UserScript;
} {
  const path = env["JOB_RESPONSE_FILE"];
  const payload = path ? readIfExists(path) : undefined;
  if (path && payload === undefined) {
    throw new SystemFailure(
      `JOB_RESPONSE_FILE is ${path}, which does not exist; wanted: the job that gitlab-runner wrote`,
    );
  }
  const reading = readJob(env, payload);
  if (!reading.ok) throw new SystemFailure(reading.message);
  return reading;
}

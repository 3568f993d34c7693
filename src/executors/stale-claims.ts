import { readdirSync } from "node:fs";
import { hostname } from "node:os";
import {
  type Claim,
  claimsOn,
  isStale,
  newClaim,
  places,
  release,
  takeOver,
} from "../host/claim.ts";
import { errorCode } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { identify } from "../host/proc.ts";
import { removeTree } from "../host/remove-tree.ts";
import { endBatchJob } from "./batch/end-batch-job.ts";
import { endLeftovers } from "./end-processes.ts";

const TAKEOVER_MILLISECONDS = 3_600_000;

/**
 * Removes what jobs left whose runner died before their cleanup: processes of this host, scripts (with their secrets),
 * file variables; then frees the slot. Exactly one of several cleanups does it.
 */
export async function collectStaleClaims(
  claimDirectory: string,
  uid: number,
  retainLogs: boolean,
  log: Log,
): Promise<void> {
  const now = Date.now();
  for (const name of places(claimDirectory, now)) {
    const place = `${claimDirectory}/${name}`;
    const stale = claimsOn(place);
    if (stale.length === 0 || !stale.every((claim) => isStale(claim, now))) continue;
    const mine = newClaim({
      job: "cleanup",
      holder: identify(process.pid),
      expires: now + TAKEOVER_MILLISECONDS,
      notes: stale[0]?.notes ?? {},
    });
    if (!takeOver(place, mine, now)) continue;
    let clean = true;
    for (const claim of stale) {
      if (claim && !(await removeTraces(claim, uid, retainLogs, log))) clean = false;
    }
    // What is not clean stays claimed by this process, and is stale again as soon as that has ended.
    if (clean) release(place, mine.token);
  }
}

async function removeTraces(
  claim: Claim,
  uid: number,
  retainLogs: boolean,
  log: Log,
): Promise<boolean> {
  const { scripts = "", builds = "", host, batch = "" } = claim.notes;
  if (batch !== "" && !(await endBatchJob(batch, log))) return false;
  log.log(`Removing what job ${claim.job} left in ${scripts}: its runner is gone`);
  if (scripts !== "" && host === hostname())
    await endLeftovers({ uid, token: claim.token, scripts });
  if (scripts !== "" && !retainLogs) removeTree(scripts);
  if (builds !== "") removeFileVariables(builds, MAX_PROJECT_DEPTH);
  return true;
}

/** GitLab allows 20 levels of groups. */
const MAX_PROJECT_DEPTH = 22;

/** The runner keeps file variables in `<project>.tmp`, beside the project; the project itself stays for the next job. */
function removeFileVariables(directory: string, depth: number): void {
  const names = directoriesIn(directory);
  for (const name of names) {
    if (name.endsWith(".tmp")) removeTree(`${directory}/${name}`);
    else if (depth > 0 && !names.includes(`${name}.tmp`)) {
      removeFileVariables(`${directory}/${name}`, depth - 1);
    }
  }
}

/** A job may have made a directory that its own user cannot read. */
function directoriesIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (["ENOENT", "EACCES", "ENOTDIR"].includes(errorCode(error))) return [];
    throw error;
  }
}

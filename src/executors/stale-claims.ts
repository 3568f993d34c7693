import { existsSync, rmSync } from "node:fs";
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
import type { Log } from "../host/log.ts";
import { identify } from "../host/proc.ts";
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
    for (const claim of stale) {
      if (claim) await removeTraces(claim, uid, retainLogs, log);
    }
    release(place, mine.token);
  }
}

async function removeTraces(
  claim: Claim,
  uid: number,
  retainLogs: boolean,
  log: Log,
): Promise<void> {
  const { scripts = "", builds = "", host } = claim.notes;
  log.log(`Removing what job ${claim.job} left in ${scripts}: its runner is gone`);
  if (scripts !== "" && host === hostname())
    await endLeftovers({ uid, token: claim.token, scripts });
  if (scripts !== "" && !retainLogs) rmSync(scripts, { recursive: true, force: true });
  // The runner keeps file variables in <project>.tmp; Git objects beside it stay for the next job.
  if (builds === "" || !existsSync(builds)) return;
  for (const entry of new Bun.Glob("**/*.tmp").scanSync({
    cwd: builds,
    onlyFiles: false,
    dot: false,
  })) {
    if (entry.split("/").length <= MAX_PROJECT_DEPTH)
      rmSync(`${builds}/${entry}`, { recursive: true, force: true });
  }
}

/** GitLab allows 20 levels of groups; deeper names are the repository's own. */
const MAX_PROJECT_DEPTH = 22;

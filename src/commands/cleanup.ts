import { openImageStore } from "../charliecloud/image-store.ts";
import { pullEnvironment } from "../charliecloud/pull-environment.ts";
import { knownAttempt, readRunning, readState } from "../executors/attempt.ts";
import { endBatchJob } from "../executors/batch/end-batch-job.ts";
import { recordFile } from "../executors/batch/record.ts";
import type { CacheLeaseNote } from "../executors/cached-image.ts";
import { endLeftovers, endRunningStage } from "../executors/end-processes.ts";
import { stagesIn } from "../executors/entry.ts";
import { reportEnd } from "../executors/report.ts";
import { type AttemptState, adminEnvironment } from "../executors/site.ts";
import { collectStaleClaims } from "../executors/stale-claims.ts";
import { type LeaseNote, leaseFile } from "../executors/stored-image.ts";
import { places, release } from "../host/claim.ts";
import { readJson, unlinkIfThere } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { removeTree } from "../host/remove-tree.ts";
import type { Outcome } from "../plan/outcome.ts";
import type { Environment } from "./hook.ts";

/**
 * Ends what still runs of an attempt and gives back what it held, from what is on disk: may run beside a stage that
 * has not ended yet, any number of times, and when `config` failed.
 */
export async function cleanUp(env: Environment, log: Log): Promise<Outcome> {
  const directory = knownAttempt(env);
  const state = directory === undefined ? undefined : readState<AttemptState>(directory);
  if (directory === undefined || state === undefined) return { kind: "exited", status: 0 };
  // Before their programs are removed.
  const begun = stagesIn(state.directories?.scripts ?? "");
  const outcome = await giveBack(directory, state, log);
  await reportEnd(directory, begun, log);
  return outcome;
}

async function giveBack(directory: string, state: AttemptState, log: Log): Promise<Outcome> {
  const { settings, user, token, directories } = state;
  const running = readRunning(directory);
  if (running !== undefined) await endRunningStage(running, settings.general.kill_timeout * 1000);
  if (directories !== undefined) {
    const ended = await endLeftovers({ uid: user.uid, token, scripts: directories.scripts });
    if (ended > 0) log.log(`Ended ${ended} process(es) that job ${state.job.id} left behind`);
  }
  if (directories && !(await endBatchJob(recordFile(directories.dataDir, token), log))) {
    const message = `job ${state.job.id}: its batch job may still run, so its directories stay claimed; a later cleanup tries again`;
    return { kind: "failed", message, retryable: true };
  }
  for (const role of ["step", "helper"] as const)
    await releaseImage(leaseFile(directory, role), state, log);
  if (directories !== undefined && !settings.general.retain_logs) {
    removeTree(directories.scripts);
  }
  const now = Date.now();
  for (const claimDirectory of state.claimDirectories) {
    // The token finds the claim also when the hook was killed before it could note the slot.
    for (const place of places(claimDirectory, now)) release(`${claimDirectory}/${place}`, token);
    await collectStaleClaims(claimDirectory, user.uid, settings.general.retain_logs, log);
  }
  return { kind: "exited", status: 0 };
}

async function releaseImage(file: string, state: AttemptState, log: Log): Promise<void> {
  const note = readJson(file) as LeaseNote | CacheLeaseNote | undefined;
  if (note?.version === 2) {
    for (const lease of note.leases) release(lease, state.token);
    unlinkIfThere(file);
  }
  if (note?.version !== 1) return;
  const { user, settings, token, job } = state;
  const { storage, storageKey, chImage } = note;
  const store = openImageStore({
    storage,
    storageKey,
    uid: user.uid,
    log,
    holder: `cleanup of job ${job.id}`,
    signal: new AbortController().signal,
    now: Date.now,
  });
  const admin = adminEnvironment(settings);
  const tools = pullEnvironment({
    chImage: chImage ?? "",
    login: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    admin,
    user,
    storage,
    account: undefined,
    caBundle: undefined,
  });
  await store.release(note, token, { chImage, env: tools });
  unlinkIfThere(file);
}

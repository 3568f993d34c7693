import { chmodSync, mkdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { STATE_VARIABLE, statePath, writeState } from "../executors/attempt.ts";
import { recordFile } from "../executors/batch/record.ts";
import { checkSite } from "../executors/job-plan.ts";
import type { AttemptState } from "../executors/site.ts";
import { type Claim, release, take } from "../host/claim.ts";
import { ensureOwnDirectory } from "../host/directory.ts";
import { SystemFailure } from "../host/failure.ts";
import type { Log } from "../host/log.ts";
import { identify, startedBy } from "../host/proc.ts";
import { registerSecrets } from "../host/redact.ts";
import { currentUser, type User } from "../host/user.ts";
import type { Job } from "../job/job.ts";
import type { Verdict } from "../plan/decision.ts";
import { type Directories, planDirectories } from "../plan/directories.ts";
import type { Outcome } from "../plan/outcome.ts";
import { formatProblem } from "../settings/problem.ts";
import type { Settings } from "../settings/settings.ts";
import { type Environment, TRY_VARIABLE } from "./hook.ts";
import { loadJob } from "./load-job.ts";

/** Time for retries, cleanup and slow file systems on top of the job's own limit. */
const CLAIM_MARGIN_SECONDS = 2 * 3600;
const MAX_SLOTS = 10_000;

export interface ConfigInput {
  readonly configuration: string;
  readonly noAuth: boolean;
  readonly version: string;
}

/** The answer that gitlab-runner reads from stdout. */
export interface ConfigAnswer {
  readonly builds_dir: string;
  readonly cache_dir: string;
  readonly builds_dir_is_shared: false;
  readonly hostname: string;
  readonly driver: { readonly name: string; readonly version: string };
  readonly job_env: Readonly<Record<string, string>>;
}

/** Validates the configuration, claims directories for the job, and hands the resolved state to the later hooks. */
export async function configure(
  input: ConfigInput,
  env: Environment,
  log: Log,
  answer: (value: ConfigAnswer) => void,
): Promise<Outcome> {
  const attempt = attemptPath(env);
  const read = await loadSettings(input.configuration, log);
  const settings = env[TRY_VARIABLE] === undefined ? read : withoutReports(read);
  const { job, secrets } = loadJob(env);
  registerSecrets(secrets.redact);
  const user = currentUser(env);
  const plan = (slot: number) => planDirectories({ settings, user, job, slot });
  const first = plan(job.concurrentId);
  const [refusal] = checkSite(settings, input.noAuth);
  if (refusal || !first.ok) {
    // Nothing is claimed, but a job that was refused is reported, too.
    writeState<AttemptState>(attempt, newState(input, settings, user, job));
    if (refusal) return { kind: "refused", refusal };
  }
  if (!first.ok) return { kind: "refused", refusal: first.refusal };
  const state = newState(input, settings, user, job, first.value);
  makeTopDirectories(first.value, state, user);
  // Before the claim: what a killed hook claimed must be found by `cleanup`.
  writeState<AttemptState>(attempt, state);
  const directories = claimSlot(state, job, plan);
  if (!directories.ok) return { kind: "refused", refusal: directories.refusal };
  writeState(attempt, {
    ...state,
    slot: Number(directories.value.slotName),
    directories: directories.value,
  });
  answer({
    builds_dir: directories.value.builds,
    cache_dir: directories.value.cache,
    builds_dir_is_shared: false,
    hostname: hostname(),
    driver: { name: "Jacamar CI", version: input.version },
    job_env: { [STATE_VARIABLE]: statePath(attempt) },
  });
  return { kind: "exited", status: 0 };
}

/** gitlab-runner's private directory for this attempt; anything else is not a place for a job's state. */
function attemptPath(env: Environment): string {
  const path = env["TMPDIR"] ?? "";
  const stats = path.startsWith("/") ? statSync(path, { throwIfNoEntry: false }) : undefined;
  const isPrivate =
    stats?.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0;
  if (isPrivate) return path.replace(/\/+$/, "");
  throw new SystemFailure(
    `config: TMPDIR is "${path}"; wanted: the private directory that gitlab-runner makes for each job. Hooks are started by gitlab-runner; to see what would happen, use --explain`,
  );
}

function withoutReports(settings: Settings): Settings {
  return { ...settings, metrics: {}, log: { syslog: false } };
}

async function loadSettings(file: string, log: Log): Promise<Settings> {
  const { readSettings } = await import("../settings/read.ts");
  const result = await readSettings(file);
  if (!result.ok) {
    for (const problem of result.problems) log.error(formatProblem(problem));
    const count = result.problems.length;
    throw new SystemFailure(
      `the configuration ${file} has ${count} problem${count === 1 ? "" : "s"}; no job runs until it is mended`,
    );
  }
  for (const warning of result.warnings) log.warn(formatProblem(warning));
  return result.settings;
}

function newState(
  input: ConfigInput,
  settings: Settings,
  user: User,
  job: Job,
  directories?: Directories,
): AttemptState {
  const expires = Date.now() + (job.timeout + CLAIM_MARGIN_SECONDS) * 1000;
  const holder = identify(startedBy(process.pid));
  return {
    version: 1,
    settings,
    user,
    job: { id: job.id, name: job.name, project: job.project.id },
    token: crypto.randomUUID(),
    holder,
    expires,
    began: Date.now(),
    noAuth: input.noAuth,
    claimDirectories: directories === undefined ? [] : claimDirectories(directories),
  };
}

/** Jobs with another data_dir may share a custom builds directory, so it has claims of its own. */
function claimDirectories({ dataDir, buildsRoot, projectKey }: Directories): string[] {
  const isCustom = buildsRoot !== `${dataDir}/builds`;
  return [
    `${dataDir}/claims/${projectKey}`,
    ...(isCustom ? [`${buildsRoot}/${projectKey}/.claims`] : []),
  ];
}

function makeTopDirectories(directories: Directories, state: AttemptState, user: User): void {
  for (const { path, mode, purpose, from } of directories.topDirectories) {
    ensureOwnDirectory({ path, mode, uid: user.uid, purpose, key: from });
  }
  for (const path of state.claimDirectories) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  }
}

/** The first free slot from the runner's concurrent id on, claimed wherever its directories lie. */
function claimSlot(
  state: AttemptState,
  job: Job,
  plan: (slot: number) => Verdict<Directories>,
): Verdict<Directories> {
  for (let slot = job.concurrentId; slot < MAX_SLOTS; slot++) {
    const directories = plan(slot);
    if (!directories.ok) return directories;
    const { slotName, scripts, builds } = directories.value;
    const { token, holder, expires } = state;
    const batch = recordFile(directories.value.dataDir, token);
    const notes = { scripts, builds, host: hostname(), batch };
    const claim: Claim = { version: 1, token, job: job.id, holder, expires, notes };
    if (
      takeAll(
        state.claimDirectories.map((path) => `${path}/${slotName}`),
        claim,
      )
    )
      return directories;
  }
  throw new SystemFailure(
    `all ${MAX_SLOTS} slots of ${state.claimDirectories[0]} are claimed by running jobs`,
  );
}

function takeAll(claimPlaces: readonly string[], claim: Claim): boolean {
  const taken: string[] = [];
  for (const place of claimPlaces) {
    if (!take(place, claim)) {
      for (const other of taken) release(other, claim.token);
      return false;
    }
    taken.push(place);
  }
  return true;
}

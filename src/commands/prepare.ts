import { chmodSync, mkdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { superviseProgram } from "../bash/templates.ts";
import {
  attemptDirectory,
  type BatchRecipe,
  type Prepared,
  type Recipe,
  readState,
  SUMMARY_FILE,
  SUPERVISE_FILE,
  writePrepared,
} from "../executors/attempt.ts";
import { batchRecipe } from "../executors/batch/batch-recipe.ts";
import { prepareContainer } from "../executors/container.ts";
import type { ContainerPlan } from "../executors/container-plan.ts";
import { type Facts, gatherFacts } from "../executors/facts.ts";
import type { ImageFigures } from "../executors/image-figures.ts";
import { usesChImage } from "../executors/image-source.ts";
import { artifactProblem, type JobPlan, planJob } from "../executors/job-plan.ts";
import { runPrepScript } from "../executors/prep-script.ts";
import { hostRecipe, type Recipes } from "../executors/recipes.ts";
import { makeReproducer } from "../executors/reproducer/make-reproducer.ts";
import { makeJobDirectories } from "../executors/scripts-directory.ts";
import { type AttemptState, loginShell } from "../executors/site.ts";
import { type SummaryStart, summaryStart } from "../executors/summary.ts";
import { SystemFailure } from "../host/failure.ts";
import type { Log } from "../host/log.ts";
import { registerSecrets } from "../host/redact.ts";
import type { Job, Secrets } from "../job/job.ts";
import type { UserScript } from "../job/user-script.ts";
import type { Outcome } from "../plan/outcome.ts";
import { compilerFor } from "./compiler.ts";
import type { Environment } from "./hook.ts";
import { loadJob } from "./load-job.ts";

const PREPARED_VERSION = 1;

/** Gets everything ready that the stages of a job need, and says in the job log what it does. */
export async function prepare(env: Environment, log: Log, signal: AbortSignal): Promise<Outcome> {
  const directory = attemptDirectory(env);
  const state = readState<AttemptState>(directory);
  if (state?.directories === undefined || state.slot === undefined) {
    throw new SystemFailure(`prepare: ${directory} holds no state of a config hook that succeeded`);
  }
  const { job, secrets, script } = loadJob(env);
  registerSecrets(secrets.redact);
  const { settings, user } = state;
  announce(state, log);
  makeJobDirectories(state.directories, job.id, settings.general);
  const shell = loginShell(settings, user, env["PATH"]);
  await runPrepScript(settings.charliecloud.prep_script, { shell, directory, log, signal });
  const facts = await gatherFacts({
    settings,
    user,
    shell,
    asksChImage: usesChImage(settings),
    hook: env,
    parentProgram: programOf(state.holder.pid),
    signal,
  });
  log.log(`Local time: ${facts.time}`);
  const plan = planJob({
    settings,
    job,
    user,
    slot: state.slot,
    facts,
    noAuth: state.noAuth,
    compile: await compilerFor(settings),
  });
  for (const note of plan.notes) log.log(note);
  const [refusal] = plan.refusals;
  if (refusal) return { kind: "refused", refusal };
  return await carryOut({ plan, state, facts, job, secrets, script, directory, log, signal });
}

interface Work {
  readonly plan: JobPlan;
  readonly state: AttemptState;
  readonly facts: Facts;
  readonly job: Job;
  readonly secrets: Secrets;
  readonly script: UserScript | undefined;
  readonly directory: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

async function carryOut(work: Work): Promise<Outcome> {
  const { plan, state, facts, directory } = work;
  const host = hostRecipe(plan, state, facts, runnerFallback(facts, directory));
  const recipes: Recipes = { step: host, after: host, helper: host };
  let inBatchJob: Recipe = host;
  let image: ImageFigures | undefined;
  for (const container of [plan.step, plan.helper]) {
    if (container === undefined) continue;
    const ready = await prepareContainer({
      ...work,
      container,
      forBatch: plan.batch !== undefined,
    });
    if (!ready.ok) return { kind: "refused", refusal: ready.refusal };
    for (const kind of kindsOf(plan, container)) recipes[kind] = ready.value.host;
    inBatchJob = ready.value.batch ?? inBatchJob;
    if (container.role === "step") image = ready.value.figures;
  }
  const { log } = work;
  const batch =
    plan.batch && batchRecipe({ plan: plan.batch, state, facts, log, inner: inBatchJob });
  write(work, recipes, batch, image);
  return { kind: "exited", status: 0 };
}

function kindsOf(plan: JobPlan, container: ContainerPlan) {
  const place = container.role === "step" ? "image" : "runner_image";
  return (["step", "after", "helper"] as const).filter(
    (kind) => plan.mechanism?.[kind].choice === place,
  );
}

function write(
  work: Work,
  recipes: Recipes,
  batch: BatchRecipe | undefined,
  image: ImageFigures | undefined,
): void {
  const { plan, state, facts, directory } = work;
  const { scripts = "", builds = "" } = state.directories ?? {};
  writeFileSync(`${directory}/${SUPERVISE_FILE}`, superviseProgram(), { mode: 0o700 });
  const reproducer = makeReproducer({ ...work, recipe: batch?.inner ?? recipes.step, batch });
  const summary = summaryOf(work, image, reproducer);
  if (summary !== undefined) {
    writeFileSync(`${directory}/${SUMMARY_FILE}`, superviseProgram(summary), { mode: 0o700 });
  }
  const noArtifacts = artifactProblem(plan);
  const prepared: Prepared = {
    version: PREPARED_VERSION,
    bash: facts.shell.bash,
    scripts,
    cwd: builds,
    killTimeout: Math.ceil(state.settings.general.kill_timeout * 1000),
    recipes,
    ...(batch && { batch }),
    ...(noArtifacts === undefined ? {} : { noArtifacts }),
    ...(summary && { summary }),
  };
  writePrepared(directory, prepared);
}

function summaryOf(
  { plan, state, job, log }: Work,
  image: ImageFigures | undefined,
  reproducer: string | undefined,
): SummaryStart | undefined {
  if (!state.settings.general.job_summary) {
    if (reproducer !== undefined) log.log(`To run the script again by hand: ${reproducer}`);
    return undefined;
  }
  return summaryStart({
    sections: job.traceSections,
    image,
    node: plan.batch ? undefined : hostname(),
    reproducer,
  });
}

function announce(state: AttemptState, log: Log): void {
  const { settings, user } = state;
  const message = settings.general.job_message;
  if (message !== undefined) log.log(message);
  log.log(`Targeting ${settings.general.executor} executor`);
  log.log(`Running as ${user.name} UID: ${user.uid} GID: ${user.gid} on ${hostname()}`);
}

/** The program that gitlab-runner runs as, on the host where `config` ran. */
function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

/** A directory in which the scripts find `gitlab-runner` by that name; empty when the login shell finds it itself. */
function runnerFallback(facts: Facts, directory: string): string {
  const { choice, from } = facts.gitlabRunner;
  if (choice === "" || from === "PATH of the login shell") return "";
  if (choice.endsWith("/gitlab-runner")) return choice.slice(0, -"/gitlab-runner".length);
  const bin = `${directory}/bin`;
  mkdirSync(bin, { recursive: true, mode: 0o700 });
  const link = `${bin}/gitlab-runner`;
  if (!statSync(link, { throwIfNoEntry: false })) symlinkSync(choice, link);
  chmodSync(bin, 0o700);
  return bin;
}

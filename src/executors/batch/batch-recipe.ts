import type { Log } from "../../host/log.ts";
import type { BatchRecipe, Recipe } from "../attempt.ts";
import type { Facts } from "../facts.ts";
import { type AttemptState, adminEnvironment } from "../site.ts";
import type { BatchPlan } from "./batch-plan.ts";
import { type Caller, findSchedulerPrograms, makeCaller, schedulerEnvironment } from "./calls.ts";
import { recordFile } from "./record.ts";
import type { Scheduler } from "./scheduler.ts";
import { schedulerNamed } from "./schedulers.ts";

export interface BatchRecipeInput {
  readonly plan: BatchPlan;
  readonly state: AttemptState;
  readonly facts: Facts;
  /** The hook's own environment, of which the scheduler's commands get next to nothing. */
  readonly hook: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** What runs on the node. */
  readonly inner: Recipe;
}

const VERSION_SECONDS = 30;

/** Finds the scheduler's programs and writes down how `run` submits the user's script. */
export async function batchRecipe(input: BatchRecipeInput): Promise<BatchRecipe> {
  const { plan, state, facts, hook, log, inner } = input;
  const scheduler = schedulerNamed(plan.scheduler);
  if (scheduler === undefined) throw new Error(`no scheduler ${plan.scheduler}`);
  const { scheduler_bin, env_vars } = state.settings.batch;
  const programs = findSchedulerPrograms(scheduler, scheduler_bin, facts.login["PATH"]);
  const login = { ...facts.login, ...adminEnvironment(state.settings) };
  const env = schedulerEnvironment({
    scheduler,
    hook,
    login,
    user: state.user,
    envVars: env_vars,
    directory: scheduler_bin,
  });
  const version = await askVersion(scheduler, makeCaller(programs, env));
  log.log(
    `The script runs as a job of ${scheduler.title}${version === "" ? "" : ` (${scheduler.title} ${version})`}: ${plan.words.join(" ") || "no arguments"}`,
  );
  return {
    scheduler: scheduler.name,
    version,
    programs,
    env,
    plan,
    inner,
    recordFile: recordFile(state.directories?.dataDir ?? "", state.token),
  };
}

/** `MAJOR.MINOR[.PATCH]`; empty where nothing depends on it or nothing was answered. */
async function askVersion({ version }: Scheduler, call: Caller): Promise<string> {
  if (version === undefined) return "";
  const { status, stdout, stderr } = await call(version, VERSION_SECONDS);
  if (status === undefined) return "";
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] ?? "";
}

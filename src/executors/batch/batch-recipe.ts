import type { Log } from "../../host/log.ts";
import type { BatchRecipe, Recipe } from "../attempt.ts";
import type { Facts } from "../facts.ts";
import type { AttemptState } from "../site.ts";
import type { BatchPlan } from "./batch-plan.ts";
import { recordFile } from "./record.ts";
import { schedulerNamed } from "./schedulers.ts";

export interface BatchRecipeInput {
  readonly plan: BatchPlan;
  readonly state: AttemptState;
  readonly facts: Facts;
  readonly log: Log;
  /** What runs on the node. */
  readonly inner: Recipe;
}

/** Says in the job log how the user's script is submitted, and writes down what `run` needs for it. */
export function batchRecipe({ plan, state, facts, log, inner }: BatchRecipeInput): BatchRecipe {
  const scheduler = schedulerNamed(plan.scheduler);
  const found = facts.scheduler;
  if (scheduler === undefined || !found?.programs.ok) {
    throw new Error(`a plan for ${plan.scheduler}, which was not found`);
  }
  const { title } = scheduler;
  const version = plan.version === "" ? "" : ` (${title} ${plan.version})`;
  log.log(
    `The script runs as a job of ${title}${version}: ${plan.words.join(" ") || "no arguments"}`,
  );
  return {
    scheduler: scheduler.name,
    programs: found.programs.value,
    env: found.env,
    plan,
    inner,
    recordFile: recordFile(state.directories?.dataDir ?? "", state.token),
  };
}

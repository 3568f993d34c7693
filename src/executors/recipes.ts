import type { StageKind } from "../job/stages.ts";
import type { Recipe } from "./attempt.ts";
import type { Facts } from "./facts.ts";
import type { JobPlan } from "./job-plan.ts";
import { type AttemptState, TOKEN_VARIABLE } from "./site.ts";

export type Recipes = Record<StageKind, Recipe>;

/** A stage in the clean login shell of the host, started by the plan's own command. */
export function hostRecipe(
  { hostCommand }: Pick<JobPlan, "hostCommand">,
  state: Pick<AttemptState, "token">,
  facts: Pick<Facts, "shell">,
  fallback: string,
): Recipe {
  return {
    kind: "host",
    argv: hostCommand,
    env: { ...facts.shell.env, [TOKEN_VARIABLE]: state.token },
    fallback,
  };
}

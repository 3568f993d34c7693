import type { JobSpec } from "../../src/runner/job-spec.ts";
import type { Cluster } from "./cluster.ts";

/** What not every cluster has. */
export type Need = "image" | "local" | "user" | "outage" | "lost answers";

/** One thing that the driver gets right with every scheduler; `run` fails with what is wrong and the job's log. */
export interface Behaviour {
  readonly name: string;
  readonly needs?: readonly Need[];
  /** Takes the scheduler away from all others. */
  readonly isAlone?: boolean;
  readonly run: (cluster: Cluster) => Promise<void>;
}

/** A job with SCHEDULER_PARAMETERS: what the cluster always needs, then `words`. */
export function jobOf(
  cluster: Cluster,
  script: readonly string[],
  more: Partial<JobSpec> & { readonly words?: string } = {},
): JobSpec {
  const { words = "", ...rest } = more;
  const value = `${cluster.words} ${words}`.trim();
  const given = value === "" ? [] : [{ key: "SCHEDULER_PARAMETERS", value }];
  return {
    id: 1,
    name: "x",
    script: [...script],
    ...rest,
    variables: [...given, ...(rest.variables ?? [])],
  };
}

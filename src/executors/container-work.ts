import type { ImageCache } from "../cache/cache.ts";
import { containerEnvironment } from "../charliecloud/ch-run.ts";
import type { Log } from "../host/log.ts";
import type { Job, Secrets } from "../job/job.ts";
import type { ContainerPlan } from "./container-plan.ts";
import type { Facts } from "./facts.ts";
import type { ImageFigures } from "./image-figures.ts";
import type { AttemptState } from "./site.ts";

/** What it takes to carry out the plan of one container. */
export interface ContainerWork {
  readonly container: ContainerPlan;
  readonly state: AttemptState;
  readonly facts: Facts;
  readonly job: Job;
  readonly secrets: Secrets;
  /** The attempt's private directory. */
  readonly directory: string;
  /** The user's script runs in a batch job. */
  readonly forBatch: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** All variables that ch-run starts with. */
export function chRunEnvironment({ facts, state }: ContainerWork): Record<string, string> {
  return containerEnvironment(facts.login, state.user);
}

/** An image that stays as it is until `cleanup` gives it back. */
export interface ReadyImage {
  /** What ch-run is told on the runner's host: a name in its storage, or an absolute path. */
  readonly image: string;
  /** What it is told in the batch job, where that is known and another. */
  readonly batchImage?: string;
  readonly figures: ImageFigures;
  /** Where it lies, if it is an entry of a cache. */
  readonly cache?: ImageCache;
}

import type { Scheduler } from "../../src/executors/batch/scheduler.ts";
import type { Runner } from "../../src/runner/runner.ts";
import type { RunnerOptions } from "../../src/runner/types.ts";
import type { Site } from "../e2e/site.ts";
import type { OrdinaryUser } from "../fixtures/users.ts";

/** A scheduler on which the behaviours of `behaviours.ts` are tried: a real one or a stand-in for its commands. */
export interface Cluster {
  readonly scheduler: Scheduler["name"];
  /** Words of SCHEDULER_PARAMETERS that every job there needs, e.g. an account. */
  readonly words: string;
  /** How many jobs are run at once. */
  readonly manyJobs: number;
  /** An image that jobs can use, and lines for `[general]` that it needs; absent: no container jobs. */
  readonly image?: { readonly name: string; readonly general: readonly string[] };
  /** An account that jobs can run under, other than the one of the test. */
  readonly user?: OrdinaryUser;
  /** A place for one behaviour; where it can, with a scheduler of its own. */
  place(options?: PlaceOptions): Place;
}

export interface PlaceOptions {
  /** Lines for `[batch]`. */
  readonly batch?: readonly string[];
  /** Lines for `[general.charliecloud]`; given: jobs with an image run in it. */
  readonly charliecloud?: readonly string[];
  readonly user?: OrdinaryUser;
}

/** A configuration of the driver and what can happen to its jobs. */
export interface Place {
  readonly site: Site;
  /** `env` is added to the runner's own environment. */
  runner(options?: Partial<RunnerOptions>): Runner;
  /** Deletes a job as its owner would in another terminal. */
  remove(id: string): void | Promise<void>;
  /** Whether the scheduler does not know the job as waiting or running (any more). */
  isOver(id: string): boolean | Promise<boolean>;
  /** The next submission is carried out, but its answer is lost. */
  readonly loseAnswer?: () => void;
  readonly outage?: Outage;
}

/** Takes what schedules away and brings it back; running jobs go on. */
export interface Outage {
  stop(during: "submission" | "run"): void | Promise<void>;
  start(): void | Promise<void>;
  /** False: questions simply wait meanwhile, so that there is nothing to say. */
  readonly isNoticed: boolean;
}

/** What the configuration of every place says in `[batch]`, for tests that should not take long. */
export const QUICK: readonly string[] = ['command_delay = "1s"', 'nfs_timeout = "2s"'];

/** For `[general]`: long enough for each scheduler's own way from TERM to KILL, on a busy machine. */
export const PATIENT = 'kill_timeout = "60s"';

import type { ProcessIdentity } from "../host/proc.ts";

/** How an attempt at a job ended. `cancelled`: also by a time limit. `unknown`: its hook was killed before it could say. */
export const OUTCOMES = [
  "success",
  "script_failure",
  "refused",
  "system_failure",
  "cancelled",
  "unknown",
] as const;
export type AttemptOutcome = (typeof OUTCOMES)[number];

export const PHASES = ["prepare", "pull", "flatten", "queue", "run"] as const;
export type Phase = (typeof PHASES)[number];

export const PULLERS = ["builtin", "ch-image"] as const;
export type Puller = (typeof PULLERS)[number];

export const EXECUTORS = ["shell", "slurm", "flux", "pbs", "lsf", "cobalt"] as const;
export type Executor = (typeof EXECUTORS)[number];

/** An image that the cache gave. */
export interface ImageFigures {
  readonly puller: Puller;
  /** Whether it was there already. */
  readonly hit: boolean;
  /** On disk. */
  readonly bytes: number;
}

/** What the cache removed to make room. */
export interface EvictionFigures {
  readonly kind: "entry" | "layer";
  readonly count: number;
  readonly bytes: number;
}

/** All that is counted about one attempt at a job; no name of a project, user or image in it. */
export interface AttemptFigures {
  readonly executor: Executor;
  readonly outcome: AttemptOutcome;
  /** A phase that did not happen is not there; one that happened twice stands twice. */
  readonly seconds: readonly { readonly phase: Phase; readonly seconds: number }[];
  readonly images: readonly ImageFigures[];
  readonly evictions: readonly EvictionFigures[];
}

/** An attempt that has begun: it is running until its end is told or its runner has died. */
export interface RunningAttempt {
  readonly executor: Executor;
  readonly holder: ProcessIdentity;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** News of one attempt, known by its token: each of the two kinds counts once, however often it is told. */
export type News =
  | {
      readonly version: 1;
      readonly token: string;
      readonly kind: "started";
      readonly attempt: RunningAttempt;
    }
  | {
      readonly version: 1;
      readonly token: string;
      readonly kind: "ended";
      readonly figures: AttemptFigures;
    };

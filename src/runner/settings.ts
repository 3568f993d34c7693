import type { KillTimeouts } from "./process.ts";
import type { RunnerOptions } from "./types.ts";
import type { RunnerFacts } from "./variables.ts";
import { atLeast } from "./version.ts";

/** The options of a runner with their defaults. */
export interface Settings {
  readonly options: RunnerOptions;
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  readonly facts: RunnerFacts;
  /** User of the hooks, empty for the own one. */
  readonly user: { readonly uid?: number; readonly gid?: number };
  readonly retryWait: number;
  readonly stageRetryWait: number;
  readonly kill: KillTimeouts;
  readonly buildFinishWait: number;
  readonly hookTimeouts: Readonly<Record<"config" | "prepare" | "cleanup", number>>;
}

const hour = 3_600_000;

/** Fills in the defaults of the real runner. */
export function resolveSettings(options: RunnerOptions): Settings {
  const version = options.version ?? "19.4";
  return {
    options,
    env: options.env ?? { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/" },
    version,
    facts: {
      version,
      token: options.token ?? "glrt-t1_SimulatedRunnerToken",
      environment: options.environment ?? {},
      tlsCaPem: options.tlsCaPem,
    },
    user: {
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    },
    retryWait: options.retryWait ?? 3000,
    stageRetryWait: options.stageRetryWait ?? (atLeast(version, "18.0") ? 5000 : 0),
    kill: { graceful: options.gracefulKill ?? 600_000, force: options.forceKill ?? 10_000 },
    buildFinishWait: options.buildFinishWait ?? 300_000,
    hookTimeouts: { config: hour, prepare: hour, cleanup: hour, ...options.hookTimeouts },
  };
}

import { flux } from "./flux.ts";
import { lsf } from "./lsf.ts";
import { pbs } from "./pbs.ts";
import type { Scheduler } from "./scheduler.ts";
import { slurm } from "./slurm.ts";

const SCHEDULERS: readonly Scheduler[] = [slurm, lsf, flux, pbs];

/** The scheduler behind `[general] executor`; undefined for `shell` and for one that this version does not have. */
export function schedulerNamed(executor: string): Scheduler | undefined {
  return SCHEDULERS.find(({ name }) => name === executor);
}

export function schedulerNames(): readonly string[] {
  return SCHEDULERS.map(({ name }) => name);
}

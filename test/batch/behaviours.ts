import type { Behaviour } from "./behaviour.ts";
import { ENDS } from "./ends.ts";
import { RESULTS } from "./results.ts";

/** What the driver must do with every scheduler; those that need the scheduler for themselves come last. */
export const BEHAVIOURS: readonly Behaviour[] = [...ENDS, ...RESULTS].toSorted(
  (one, other) => Number(one.isAlone ?? false) - Number(other.isAlone ?? false),
);

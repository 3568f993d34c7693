import { test } from "bun:test";
import type { Need } from "./behaviour.ts";
import { BEHAVIOURS } from "./behaviours.ts";
import type { Cluster } from "./cluster.ts";

export interface SuiteOptions {
  /** What the cluster lacks. */
  readonly without?: readonly Need[];
  /** Each place has a scheduler of its own, which can be taken away from it alone. */
  readonly hasPlaces?: boolean;
}

/**
 * Registers a test for each behaviour, those that can at the same time. `cluster` is called in the tests, and gives the
 * same one each time.
 */
export function testCluster(cluster: () => Cluster, options: SuiteOptions = {}): void {
  const { without = [], hasPlaces = false } = options;
  for (const { name, run, isAlone = false, needs = [] } of BEHAVIOURS) {
    if (needs.some((need) => without.includes(need))) continue;
    const register = isAlone && !hasPlaces ? test : test.concurrent;
    register(name, () => run(cluster()));
  }
}

/** Only root can become another user; for everybody else all tests are tests of an ordinary user. */
export const WITHOUT_ROOT: readonly Need[] = process.getuid?.() === 0 ? [] : ["user"];

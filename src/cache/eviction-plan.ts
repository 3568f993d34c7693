import type { Limits } from "./store.ts";

/** Something that an eviction could remove. */
export interface Item {
  readonly kind: "layer" | "entry";
  /** Name in its directory. */
  readonly name: string;
  /** Bytes on disk. */
  readonly size: number;
  /** Last use, milliseconds since 1970. */
  readonly used: number;
  /** Whether a job has a lease on it, or a fill reads it. */
  readonly busy: boolean;
}

export interface EvictionPlan {
  /** Unused for longer than `max_age`. */
  readonly expired: readonly Item[];
  /** What else may go, in this order, until `toFree` bytes are gone. */
  readonly candidates: readonly Item[];
  /** Bytes to free besides the expired ones. */
  readonly toFree: number;
}

/**
 * What is to go so that `expected` bytes more keep all limits. Least recently used goes first, and layers before
 * entries: a layer only saves a download, an entry saves all of a job's waiting. What is busy stays.
 */
export function planEviction(facts: {
  readonly items: readonly Item[];
  readonly limits: Limits;
  /** Bytes free in the file system. */
  readonly free: number;
  /** Bytes that are about to be written. */
  readonly expected: number;
  readonly now: number;
}): EvictionPlan {
  const { items, limits, free, expected, now } = facts;
  const { maxSize = Number.POSITIVE_INFINITY, maxAge, minFree = 0 } = limits;
  const idle = items.filter(({ busy }) => !busy);
  const isExpired = ({ used }: Item) => maxAge !== undefined && now - used > maxAge * 1000;
  const expired = idle.filter(isExpired);
  const goes = sum(expired);
  const overSize = sum(items) - goes + expected - maxSize;
  const underFree = minFree + expected - (free + goes);
  return {
    expired,
    candidates: idle.filter((item) => !isExpired(item)).sort(byWorth),
    toFree: Math.max(0, overSize, underFree),
  };
}

function byWorth(a: Item, b: Item): number {
  if (a.kind !== b.kind) return a.kind === "layer" ? -1 : 1;
  return a.used - b.used;
}

function sum(items: readonly Item[]): number {
  return items.reduce((total, { size }) => total + size, 0);
}

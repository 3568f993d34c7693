import type { RegistryFailure } from "./types.ts";

/** Why a try did not succeed. */
export interface Problem {
  readonly failure: RegistryFailure;
  readonly said: string;
  /** Another try may help. */
  readonly passing: boolean;
  /** Milliseconds that the registry wants to be left alone. */
  readonly retryAfter?: number;
}

export interface RetryFacts {
  /** Tries that failed so far without progress, at least 1. */
  readonly failed: number;
  readonly attempts: number;
  readonly now: number;
  readonly deadline: number;
  /** 0 to 1. */
  readonly random: number;
}

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
/** Waits differ by up to this part, so that many jobs do not come back at once. */
const JITTER = 0.5;

/**
 * How long to wait before the next try, in milliseconds, or why there is none. Waits double; a registry's own wish
 * (`Retry-After`) is a lower bound, and one that goes beyond the deadline ends the matter at once.
 */
export function nextTry(
  problem: Problem,
  facts: RetryFacts,
): { readonly wait: number } | { readonly stop: string } {
  if (!problem.passing) return { stop: "" };
  const tries = facts.failed === 1 ? "1 try" : `${facts.failed} tries`;
  if (facts.failed >= facts.attempts) return { stop: `after ${tries}` };
  const doubled = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (facts.failed - 1));
  const jittered = doubled * (1 - JITTER * facts.random);
  const wanted = problem.retryAfter;
  // The jitter goes on top of a time that the registry set for everybody.
  const wait = Math.round(wanted === undefined ? jittered : wanted + FIRST_WAIT * facts.random);
  if (facts.now + wait < facts.deadline) return { wait };
  const left = Math.max(0, Math.round((facts.deadline - facts.now) / 1000));
  return {
    stop:
      wanted === undefined
        ? `after ${tries}: the time for it is over`
        : `the registry wants to be asked again in ${Math.ceil(wanted / 1000)} s, but only ${left} s are left`,
  };
}

/** Milliseconds of a `Retry-After` header, which has seconds or a date. */
export function retryAfter(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

import { BUCKETS, METRICS, type Metric } from "./definitions.ts";
import type { AttemptFigures, News, RunningAttempt } from "./figures.ts";

/** Observations that fell into each bucket, not summed up; one more than there are bounds. */
export interface Histogram {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** One line, or one histogram, of the text file: a metric's name and the values of its labels in their order. */
export interface Series<T> {
  readonly name: string;
  readonly labels: readonly string[];
  readonly value: T;
}

/** All that has been counted on one host. */
export interface Totals {
  readonly version: 1;
  /** Pids of running jobs' runners mean something on this host alone. */
  readonly host: string;
  readonly counters: Readonly<Record<string, Series<number>>>;
  readonly histograms: Readonly<Record<string, Series<Histogram>>>;
  readonly running: Readonly<Record<string, RunningAttempt>>;
  /** Tokens of the attempts whose end was counted last: who is told of an end again knows it. */
  readonly ended: readonly string[];
}

/** How many ends are remembered at least: far more than can be told again. */
const REMEMBERED = 256;

export function emptyTotals(host: string): Totals {
  return { version: 1, host, counters: {}, histograms: {}, running: {}, ended: [] };
}

/** Adds news, in any order and told any number of times; forgets running attempts that are `gone`. */
export function mergeNews(
  totals: Totals,
  news: readonly News[],
  gone: (attempt: RunningAttempt) => boolean,
): Totals {
  const ended = new Set(totals.ended);
  const counters = { ...totals.counters };
  const histograms = { ...totals.histograms };
  const running = { ...totals.running };
  for (const one of news) {
    if (one.kind === "started") running[one.token] = one.attempt;
    else if (!ended.has(one.token)) {
      ended.add(one.token);
      addFigures(counters, histograms, one.figures);
    }
  }
  const kept = Object.entries(running).filter(
    ([token, attempt]) => !ended.has(token) && !gone(attempt),
  );
  return {
    ...totals,
    counters,
    histograms,
    running: Object.fromEntries(kept),
    ended: [...ended].slice(-Math.max(REMEMBERED, news.length)),
  };
}

function addFigures(
  counters: Record<string, Series<number>>,
  histograms: Record<string, Series<Histogram>>,
  { executor, outcome, seconds, images, evictions }: AttemptFigures,
): void {
  const count = (metric: Metric, labels: readonly string[], amount: number) => {
    const { key, name } = keyOf(metric, labels);
    counters[key] = { name, labels, value: (counters[key]?.value ?? 0) + natural(amount) };
  };
  count(METRICS.attempts, [executor, outcome], 1);
  for (const one of seconds) {
    const labels = [executor, one.phase];
    const { key, name } = keyOf(METRICS.seconds, labels);
    histograms[key] = { name, labels, value: observe(histograms[key]?.value, one.seconds) };
  }
  for (const { puller, hit, bytes } of images) {
    const labels = [puller, hit ? "hit" : "miss"];
    count(METRICS.images, labels, 1);
    count(METRICS.imageBytes, labels, bytes);
  }
  for (const { kind, count: number, bytes } of evictions) {
    count(METRICS.evictions, [kind], number);
    count(METRICS.evictedBytes, [kind], bytes);
  }
}

/** With one observation more. Buckets of another version of the driver begin anew, as after a reset. */
export function observe(histogram: Histogram | undefined, value: number): Histogram {
  const fits = histogram?.counts.length === BUCKETS.length + 1;
  const counts = fits ? [...histogram.counts] : new Array<number>(BUCKETS.length + 1).fill(0);
  const seconds = natural(value);
  const found = BUCKETS.findIndex((bound) => seconds <= bound);
  const at = found < 0 ? BUCKETS.length : found;
  counts[at] = (counts[at] ?? 0) + 1;
  return { counts, sum: (fits ? histogram.sum : 0) + seconds };
}

/** Throws for a value that the metric's label cannot have: what is not bounded must not become a series. */
function keyOf({ name, labels }: Metric, values: readonly string[]) {
  for (const [at, [label, known]] of Object.entries(labels).entries()) {
    const value = values[at];
    if (value === undefined || !known.includes(value)) {
      throw new Error(`${name}: no ${label} ${JSON.stringify(value)}`);
    }
  }
  return { name, key: [name, ...values].join(" ") };
}

/** Counters only grow: what a clock that was set back gives counts as nothing. */
function natural(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}

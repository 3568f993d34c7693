import { EXECUTORS, OUTCOMES, PHASES, PULLERS } from "./figures.ts";

/** One metric. Its labels have these values and no others, so that there is a bound on the number of series. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

/** Upper bounds of the histograms' buckets in seconds, without the last one, which has none. */
export const BUCKETS: readonly number[] = [
  0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400, 43_200, 86_400,
];

const cached = { puller: PULLERS, result: ["hit", "miss"] };
const evicted = { kind: ["entry", "layer"] };

/** Everything that the text file can hold. */
export const METRICS = {
  attempts: {
    name: "jacamar_attempts_total",
    type: "counter",
    help: "Attempts at jobs that have ended. The runner tries a job again whose preparation failed for a reason of the system.",
    labels: { executor: EXECUTORS, outcome: OUTCOMES },
  },
  running: {
    name: "jacamar_running_jobs",
    type: "gauge",
    help: "Jobs between their first and their last hook on this host.",
    labels: { executor: EXECUTORS },
  },
  seconds: {
    name: "jacamar_phase_seconds",
    type: "histogram",
    help: "Seconds that attempts spent in a phase: prepare (the whole hook; pull and flatten are parts of it), queue (of the scheduler), run (the job's script).",
    labels: { executor: EXECUTORS, phase: PHASES },
  },
  images: {
    name: "jacamar_cache_images_total",
    type: "counter",
    help: "Images that jobs asked the image cache for: there already (hit), or made (miss).",
    labels: cached,
  },
  imageBytes: {
    name: "jacamar_cache_image_bytes_total",
    type: "counter",
    help: "Bytes on disk of those images.",
    labels: cached,
  },
  evictions: {
    name: "jacamar_cache_evictions_total",
    type: "counter",
    help: "Images (entry) and layers that jobs removed from the image cache to make room.",
    labels: evicted,
  },
  evictedBytes: {
    name: "jacamar_cache_evicted_bytes_total",
    type: "counter",
    help: "Bytes that those images and layers took.",
    labels: evicted,
  },
} as const satisfies Readonly<Record<string, Metric>>;

/** The names under which a metric appears in the text file. */
export function seriesNames({ name, type }: Metric): readonly string[] {
  return type === "histogram" ? ["bucket", "sum", "count"].map((end) => `${name}_${end}`) : [name];
}

/** A made-up site on one day: what its hooks would have told the metrics. The same call gives the same day. */
import type {
  AttemptFigures,
  AttemptOutcome,
  EvictionFigures,
  Executor,
  ImageFigures,
  News,
  Phase,
  Puller,
} from "../../src/metrics/figures.ts";

export interface SampleHost {
  /** As Prometheus names what it scrapes: host and port of node_exporter. */
  readonly instance: string;
  /** Share of the jobs by executor; together 1. */
  readonly executors: Readonly<Partial<Record<Executor, number>>>;
  readonly puller: Puller;
  /** Jobs in the busiest hour. */
  readonly busiest: number;
  /** Another one gives another day. */
  readonly seed: number;
}

export const SAMPLE_HOSTS: readonly SampleHost[] = [
  {
    instance: "login1.example:9100",
    executors: { slurm: 0.8, shell: 0.2 },
    puller: "builtin",
    busiest: 120,
    seed: 7,
  },
  {
    instance: "login2.example:9100",
    executors: { slurm: 1 },
    puller: "ch-image",
    busiest: 70,
    seed: 8,
  },
  {
    instance: "build1.example:9100",
    executors: { shell: 1 },
    puller: "builtin",
    busiest: 90,
    seed: 9,
  },
];

/** News, and when a hook told it: milliseconds after the day's midnight. */
export interface Told {
  readonly at: number;
  readonly news: News;
}

type Seconds = AttemptFigures["seconds"][number];

interface Draw {
  /** Below 1. */
  readonly uniform: () => number;
  readonly chance: (share: number) => boolean;
  /** Most are near the median; a greater spread means a longer tail. */
  readonly around: (median: number, spread: number) => number;
}

interface Cache {
  bytes: number;
}

interface Image {
  readonly figures: readonly ImageFigures[];
  readonly seconds: readonly Seconds[];
  readonly evictions: readonly EvictionFigures[];
  readonly failed: boolean;
}

const HOUR = 3_600_000;
/** A little more than a day, so that the end of a graph's 24 hours falls between two marks of its axis. */
export const SAMPLE_HOURS = 25;
const GIGABYTE = 1e9;
const CACHE_LIMIT = 200 * GIGABYTE;
const TRIES = 3;
/** The registry answers badly, in hours after midnight. */
const OUTAGE = { from: 13.6, to: 14.4 };
/** Scheduled pipelines, whose images were built anew in the evening. */
const NIGHTLY = { from: 1.5, to: 3.5 };
const HOLDER = { host: "sample", boot: "sample", pid: 1, start: "1" };

/** All that the hooks of a host tell on one day, in order of time. */
export function sampleDay(host: SampleHost): Told[] {
  const draw = drawFrom(host.seed);
  const cache: Cache = { bytes: 0.97 * CACHE_LIMIT };
  const told: Told[] = [];
  // Exponential waits at the greatest rate, of which a share counts: arrivals without memory at a rate that changes.
  for (let hours = 0; hours < SAMPLE_HOURS; hours += -Math.log(1 - draw.uniform()) / host.busiest)
    if (draw.chance(busyness(hours))) told.push(...job(host, hours, draw, cache));
  return told.filter(({ at }) => at < SAMPLE_HOURS * HOUR).sort((a, b) => a.at - b.at);
}

/** Of the busiest hour: little at night, scheduled pipelines, then a morning and an afternoon with a pause between. */
function busyness(hours: number): number {
  const bell = (middle: number, width: number) => Math.exp(-(((hours - middle) / width) ** 2));
  const nightly = hours > NIGHTLY.from && hours < NIGHTLY.to ? 0.4 : 0;
  return Math.min(1, 0.08 + nightly + 0.8 * bell(10.5, 1.8) + 0.9 * bell(15.3, 2.2));
}

/** One job with its further tries after failures of the system. */
function job(host: SampleHost, hours: number, draw: Draw, cache: Cache): Told[] {
  const executor = pick(host.executors, draw);
  const withImage = draw.chance(0.75);
  const told: Told[] = [];
  let at = hours * HOUR;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const figures = attemptAt(at / HOUR, { host, executor, withImage }, draw, cache);
    const token = `${host.instance}-${hours}-${attempt}`;
    const length = figures.seconds.reduce((sum, one) => sum + (isPart(one) ? 0 : one.seconds), 0);
    const begun = { executor, holder: HOLDER, expires: Number.MAX_SAFE_INTEGER };
    told.push({ at, news: { version: 1, token, kind: "started", attempt: begun } });
    at += length * 1000;
    told.push({ at, news: { version: 1, token, kind: "ended", figures } });
    if (figures.outcome !== "system_failure") break;
  }
  return told;
}

/** Within the time of preparation. */
function isPart({ phase }: Seconds): boolean {
  return phase === "pull" || phase === "flatten";
}

interface Work {
  readonly host: SampleHost;
  readonly executor: Executor;
  readonly withImage: boolean;
}

function attemptAt(hours: number, work: Work, draw: Draw, cache: Cache): AttemptFigures {
  const none: Image = { figures: [], seconds: [], evictions: [], failed: false };
  const image = work.withImage ? fetchImage(hours, work.host.puller, draw, cache) : none;
  const getting = image.seconds.reduce((sum, { seconds }) => sum + seconds, 0);
  const prepare = getting + draw.around(work.withImage ? 0.4 : 0.08, 0.3);
  const outcome = image.failed ? "system_failure" : drawOutcome(draw);
  const isEarly = outcome === "refused" || outcome === "system_failure";
  const { executor } = work;
  return {
    executor,
    outcome,
    seconds: [
      ...image.seconds,
      { phase: "prepare", seconds: prepare },
      ...(isEarly ? [] : afterPreparation(executor, hours, draw)),
    ],
    images: image.figures,
    evictions: image.evictions,
  };
}

function afterPreparation(executor: Executor, hours: number, draw: Draw): Seconds[] {
  if (executor === "shell") return [{ phase: "run", seconds: draw.around(70, 1) }];
  const queue = draw.around(12 + 240 * busyness(hours) ** 2, 0.8);
  return [
    { phase: "queue", seconds: queue },
    { phase: "run", seconds: draw.around(280, 0.9) },
  ];
}

function fetchImage(hours: number, puller: Puller, draw: Draw, cache: Cache): Image {
  const isNew = hours > NIGHTLY.from && hours < NIGHTLY.to;
  const bytes = Math.round(draw.around(0.6 * GIGABYTE, 0.7));
  const hit = draw.chance(isNew ? 0.7 : 0.93);
  if (hit) return { figures: [{ puller, hit, bytes }], seconds: [], evictions: [], failed: false };
  const isOut = hours > OUTAGE.from && hours < OUTAGE.to;
  const pull: Phase = "pull";
  if (isOut && draw.chance(0.9)) {
    const seconds = [{ phase: pull, seconds: draw.around(45, 0.2) }];
    return { figures: [], seconds, evictions: [], failed: true };
  }
  const slower = puller === "ch-image" ? 3 : 1;
  return {
    figures: [{ puller, hit, bytes }],
    seconds: [
      { phase: pull, seconds: draw.around((isOut ? 60 : 9) * (bytes / GIGABYTE), 0.4) },
      { phase: "flatten", seconds: draw.around(5 * slower * (bytes / GIGABYTE), 0.3) },
    ],
    evictions: makeRoom(cache, 2 * bytes),
    failed: false,
  };
}

/** An image and its layers come in; when they do not fit, the oldest go until a tenth is free. */
function makeRoom(cache: Cache, bytes: number): EvictionFigures[] {
  cache.bytes += bytes;
  if (cache.bytes <= CACHE_LIMIT) return [];
  const removed = cache.bytes - 0.9 * CACHE_LIMIT;
  cache.bytes -= removed;
  const of = (kind: EvictionFigures["kind"], share: number, size: number): EvictionFigures => {
    return { kind, count: Math.ceil((share * removed) / size), bytes: Math.round(share * removed) };
  };
  return [of("entry", 0.65, 0.7 * GIGABYTE), of("layer", 0.35, 0.2 * GIGABYTE)];
}

function drawOutcome(draw: Draw): AttemptOutcome {
  const shares: Readonly<Record<AttemptOutcome, number>> = {
    success: 0.82,
    script_failure: 0.12,
    cancelled: 0.03,
    refused: 0.015,
    system_failure: 0.012,
    unknown: 0.003,
  };
  return pick(shares, draw);
}

function pick<K extends string>(shares: Readonly<Partial<Record<K, number>>>, draw: Draw): K {
  const all = Object.entries(shares) as [K, number][];
  let rest = draw.uniform();
  const found = all.find(([, share]) => {
    rest -= share;
    return rest < 0;
  });
  const [key] = found ?? all.at(-1) ?? [];
  if (key === undefined) throw new Error("there is nothing to pick from");
  return key;
}

/** Marsaglia's xorshift with 32 bits: good enough for a picture, and the same everywhere. */
function drawFrom(seed: number): Draw {
  let state = Math.imul(seed, 2_654_435_761) | 1;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {
    uniform,
    chance: (share) => uniform() < share,
    around: (median, spread) => median * Math.exp(spread * normal()),
  };
}

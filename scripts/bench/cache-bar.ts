import { resolve } from "node:path";
import { architectures, build } from "../build.ts";
import { type CacheSite, type PeakMemory, type Prepared, startCacheSite } from "./cache-site.ts";
import { type Bar, type Figure, type Measurement, summary, table } from "./harness.ts";

const LIMITS = {
  cold: { least: 4 },
  hit: { least: 20 },
  crowd: { most: 1.3 },
  overRoundTrip: { most: 60 },
  memory: { most: 100 },
} as const;

/** Of all that takes seconds: each way to the image once a round, so that a busy machine is so for all of them. */
const ROUNDS = 5;
const HITS_IN_ROUND = 6;
const CROWD = 20;

/** The figures of the image cache, beside Charliecloud's own programs on the same image. */
export const cacheBar: Bar = {
  name: "cache",
  async measure() {
    const driver = compileDriver();
    const site = await startCacheSite(driver);
    try {
      const { single, four } = site.images;
      const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
      const layers = four.layers.map(megabytes).join(", ");
      console.log(
        `an image of ${megabytes(single.size)}, one layer of ${megabytes(single.layers[0] ?? 0)}, or four of ${layers}\n`,
      );
      const samples = await takeSamples(site);
      const memory = await peakMemory(site);
      console.log(table(measurements(samples), "ms"));
      const { driver: own, files, mksquashfs } = memory;
      console.log(
        `\npeak memory: ${own.toFixed(0)} MB, ${files.toFixed(0)} MB of it pages of the executable, which all drivers share; mksquashfs: ${mksquashfs.toFixed(0)} MB\n`,
      );
      return figures(samples, memory);
    } finally {
      await site.close();
    }
  },
};

function compileDriver(): string {
  const [built] = build({
    architectures: architectures(true),
    outdir: "dist",
  });
  if (built === undefined) throw new Error("nothing was built");
  return resolve(import.meta.dir, "../..", built.file);
}

const NAMES = {
  pull: "ch-image pull",
  convert: "ch-convert",
  both: "ch-image pull + ch-convert",
  cold: "prepare, cold, one layer",
  coldFour: "prepare, cold, four layers",
  image: "one cold job, until it has its image",
  crowd: `${CROWD} cold jobs at once, until all have it`,
  hit: "prepare, hit",
  roundTrip: "connecting and HEAD of the manifest",
} as const;

type Samples = Readonly<Record<keyof typeof NAMES, number[]>>;

async function takeSamples(site: CacheSite): Promise<Samples> {
  const { single, four } = site.images;
  const samples: Samples = {
    pull: [],
    convert: [],
    both: [],
    cold: [],
    coldFour: [],
    image: [],
    crowd: [],
    hit: [],
    roundTrip: [],
  };
  for (let round = 0; round < ROUNDS; round++) {
    const pulled = site.pull(single);
    const converted = site.convert(single);
    samples.pull.push(pulled);
    samples.convert.push(converted);
    samples.both.push(pulled + converted);
    site.empty();
    samples.coldFour.push(one(await site.prepare(four)).whole);
    site.empty();
    const cold = one(await site.prepare(single));
    samples.cold.push(cold.whole);
    samples.image.push(cold.untilImage);
    for (let hit = 0; hit < HITS_IN_ROUND; hit++) {
      samples.hit.push(one(await site.prepare(single)).whole);
      samples.roundTrip.push(await site.roundTrip(single));
    }
    site.empty();
    const crowd = await site.prepare(single, CROWD);
    samples.crowd.push(Math.max(...crowd.map(({ untilImage }) => untilImage)));
  }
  return samples;
}

function one([first]: readonly Prepared[]): Prepared {
  if (first === undefined) throw new Error("no job was prepared");
  return first;
}

/** Of the layer count that takes more. */
async function peakMemory(site: CacheSite): Promise<PeakMemory> {
  const peaks: PeakMemory[] = [];
  for (const image of [site.images.single, site.images.four]) {
    site.empty();
    peaks.push(await site.memory(image));
  }
  return {
    driver: Math.max(...peaks.map(({ driver }) => driver)),
    files: Math.max(...peaks.map(({ files }) => files)),
    mksquashfs: Math.max(...peaks.map(({ mksquashfs }) => mksquashfs)),
  };
}

function measurements(samples: Samples): Measurement[] {
  return Object.entries(NAMES).map(([key, name]) =>
    summary(name, samples[key as keyof typeof NAMES]),
  );
}

function figures(samples: Samples, memory: PeakMemory): readonly Figure[] {
  const median = (key: keyof typeof NAMES) => summary("", samples[key]).median;
  const faster = `× as fast as ${NAMES.both}`;
  return [
    {
      name: "first job's prepare",
      value: median("both") / median("cold"),
      unit: faster,
      limit: LIMITS.cold,
    },
    {
      name: "second job's prepare",
      value: median("both") / median("hit"),
      unit: faster,
      limit: LIMITS.hit,
    },
    {
      name: `${CROWD} cold jobs at once`,
      value: median("crowd") / median("image"),
      unit: "× the time of one",
      limit: LIMITS.crowd,
    },
    {
      name: "prepare on a hit, without the registry's round trip",
      value: median("hit") - median("roundTrip"),
      unit: "ms",
      limit: LIMITS.overRoundTrip,
    },
    {
      name: "peak memory of a cold prepare",
      value: memory.driver,
      unit: "MB",
      limit: LIMITS.memory,
    },
  ];
}

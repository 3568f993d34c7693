/**
 * Measures what the driver costs a job, against a compiled program that does nothing and a bare Bash, in the same run.
 *
 * Usage: npm run bench                    a table of medians
 *        npm run bench -- --bar NAME      figures against their limits (hooks, slurm, cache); status 1 when one is missed
 */
import { join, resolve } from "node:path";
import { cacheBar } from "./bench/cache-bar.ts";
import {
  answerBar,
  type Bar,
  describe,
  type Figure,
  type Measurement,
  measure,
  summary,
  table,
  timeOf,
} from "./bench/harness.ts";
import { makeHookSite } from "./bench/hook-site.ts";
import { canRunSlurm, startSlurmSite } from "./bench/slurm-site.ts";
import { architectures, build } from "./build.ts";

const ROOT = resolve(import.meta.dir, "..");
const ROUNDS = 40;

/** What the project promises; ratios are against the empty program. */
const LIMITS = { run: { most: 3 }, config: { most: 25 }, waiting: { most: 8 } } as const;

interface HookFigures {
  readonly measurements: readonly Measurement[];
  readonly figures: readonly Figure[];
}

/** The driver itself unless an entry is named. */
function compile(outdir: string, entry?: string): string {
  const [built] = build({ architectures: architectures(true), outdir, ...(entry && { entry }) });
  if (built === undefined) throw new Error(`nothing was built in ${outdir}`);
  return resolve(ROOT, built.file);
}

async function measureHooks(): Promise<HookFigures> {
  const driver = compile("dist");
  const empty = compile(join("dist", "bench"), "scripts/bench/empty.ts");
  const site = makeHookSite(driver);
  try {
    const measurements = await measure(
      [
        { name: "empty program", run: () => timeOf([empty]) },
        { name: "bare Bash", run: () => timeOf(["bash", "-c", ":"]) },
        { name: "bare Bash, login shell", run: () => timeOf(["bash", "--login", "-c", ":"], site) },
        { name: "run, to the script's first line", run: () => site.runToFirstLine() },
        { name: "config", run: () => site.config() },
      ],
      { rounds: ROUNDS, warmup: 3 },
    );
    const median = (name: string) =>
      measurements.find((one) => one.name === name)?.median ?? Number.NaN;
    const memory = await site.waitingMemory();
    const unit = "× the empty program";
    const toFirstLine = median("run, to the script's first line") / median("empty program");
    const config = median("config") / median("empty program");
    return {
      measurements,
      figures: [
        { name: "run to the script's first line", value: toFirstLine, unit, limit: LIMITS.run },
        { name: "config", value: config, unit, limit: LIMITS.config },
        {
          name: "the driver's side of a waiting job",
          value: memory.rss / 1024,
          unit: "MiB resident",
          limit: LIMITS.waiting,
        },
      ],
    };
  } finally {
    site.close();
  }
}

const hooks: Bar = { name: "hooks", measure: async () => (await measureHooks()).figures };

/** Seconds, MB, share of a core in %. */
const BATCH_LIMITS = {
  ending: { most: 0.5 },
  lineDelay: { most: 1 },
  resident: { most: 40 },
  cpu: { most: 0.5 },
} as const;
const BATCH_ROUNDS = 12;
const PLAIN_ROUNDS = 2;
const WAITING_JOBS = 50;

/** The figures of batch jobs on a real Slurm, beside `sbatch --wait` of the same script. */
const slurm: Bar = {
  name: "slurm",
  async measure() {
    if (!canRunSlurm())
      throw new Error("the bar slurm needs root and Debian's slurmctld, slurmd, munge");
    compile("dist");
    const site = await startSlurmSite();
    try {
      const ending: number[] = [];
      const lineDelay: number[] = [];
      for (let round = 0; round < BATCH_ROUNDS; round++) {
        const figures = await site.job();
        ending.push(figures.ending);
        lineDelay.push(figures.lineDelay);
      }
      const plain: number[] = [];
      for (let round = 0; round < PLAIN_ROUNDS; round++) plain.push(await site.plainWait());
      const queries = await site.queriesPerMinute(20);
      const { resident, share, cpu } = await site.waiting(WAITING_JOBS);
      const middle = (values: readonly number[]) => summary("", values).median;
      console.log(
        [
          `sbatch --wait of the same script: ${plain.map((value) => value.toFixed(1)).join(" s, ")} s after its end`,
          `requests to the controller: ${queries.toFixed(1)} for each minute of a job of 20 s`,
          `a waiting hook: ${share.toFixed(1)} MB its own share`,
          `so 1000 waiting jobs: about ${share.toFixed(1)} GB and ${(cpu * 1000).toFixed(1)} cores`,
        ].join("\n"),
      );
      const waiting = `a waiting hook, mean of ${WAITING_JOBS}`;
      return [
        {
          name: `end of script to end of hook, median of ${BATCH_ROUNDS}`,
          value: middle(ending),
          unit: "s",
          limit: BATCH_LIMITS.ending,
        },
        {
          name: "a line's way into the log, median of the worst",
          value: middle(lineDelay),
          unit: "s",
          limit: BATCH_LIMITS.lineDelay,
        },
        { name: waiting, value: resident, unit: "MB resident", limit: BATCH_LIMITS.resident },
        { name: waiting, value: cpu * 100, unit: "% of a core", limit: BATCH_LIMITS.cpu },
      ];
    } finally {
      await site.close();
    }
  },
};

const status = await answerBar(process.argv.slice(2), [hooks, slurm, cacheBar]);
if (status === undefined) {
  const result = await measureHooks();
  console.log(table(result.measurements, "ms"));
  console.log(`\n${result.figures.map(describe).join("\n")}`);
}
process.exitCode = status ?? 0;

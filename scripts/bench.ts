/**
 * Measures what the driver costs a job, against a compiled program that does nothing and a bare Bash, in the same run.
 *
 * Usage: npm run bench                    a table of medians
 *        npm run bench -- --bar NAME      one figure against its bar (hooks, slurm); status 1 when it is missed
 */
import { join, resolve } from "node:path";
import {
  answerBar,
  type Bar,
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
const LIMITS = { run: 3, config: 25, waitingMiB: 8 } as const;

interface HookFigures {
  readonly measurements: readonly Measurement[];
  readonly runRatio: number;
  readonly configRatio: number;
  readonly waitingMiB: number;
}

function compile(entry: string, outdir: string): string {
  const [built] = build({ architectures: architectures(true), entry, outdir });
  if (built === undefined) throw new Error(`nothing was built from ${entry}`);
  return resolve(ROOT, built.file);
}

async function measureHooks(): Promise<HookFigures> {
  const driver = compile("src/main.ts", "dist");
  const empty = compile("scripts/bench/empty.ts", join("dist", "bench"));
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
    return {
      measurements,
      runRatio: median("run, to the script's first line") / median("empty program"),
      configRatio: median("config") / median("empty program"),
      waitingMiB: memory.rss / 1024,
    };
  } finally {
    site.close();
  }
}

function figures({ runRatio, configRatio, waitingMiB }: HookFigures): string {
  return [
    `run to the script's first line: ${runRatio.toFixed(2)} × the empty program (at most ${LIMITS.run})`,
    `config: ${configRatio.toFixed(1)} × the empty program (at most ${LIMITS.config})`,
    `the driver's side of a waiting job: ${waitingMiB.toFixed(1)} MiB resident (below ${LIMITS.waitingMiB})`,
  ].join("\n");
}

const hooks: Bar = {
  name: "hooks",
  unit: "of what is allowed (the worst of the three above)",
  limit: { most: 1 },
  async measure() {
    const result = await measureHooks();
    console.log(figures(result));
    const { runRatio, configRatio, waitingMiB } = result;
    return Math.max(
      runRatio / LIMITS.run,
      configRatio / LIMITS.config,
      waitingMiB / LIMITS.waitingMiB,
    );
  },
};

/** Seconds, MB, share of a core. */
const BATCH_LIMITS = { ending: 0.5, lineDelay: 1, resident: 40, cpu: 0.005 } as const;
const BATCH_ROUNDS = 12;
const PLAIN_ROUNDS = 2;
const WAITING_JOBS = 50;

/** The figures of batch jobs on a real Slurm, beside `sbatch --wait` of the same script. */
const slurm: Bar = {
  name: "slurm",
  unit: "of what is allowed (the worst of end, log delay, memory and CPU)",
  limit: { most: 1 },
  async measure() {
    if (!canRunSlurm())
      throw new Error("the bar slurm needs root and Debian's slurmctld, slurmd, munge");
    compile("src/main.ts", "dist");
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
          `end of script to end of hook: median ${middle(ending).toFixed(2)} s of ${BATCH_ROUNDS} (at most ${BATCH_LIMITS.ending})`,
          `a line's way into the log: median of the worst ${middle(lineDelay).toFixed(2)} s (at most ${BATCH_LIMITS.lineDelay})`,
          `sbatch --wait of the same script: ${plain.map((value) => value.toFixed(1)).join(" s, ")} s after its end`,
          `requests to the controller: ${queries.toFixed(1)} for each minute of a job of 20 s`,
          `a waiting hook, mean of ${WAITING_JOBS}: ${resident.toFixed(1)} MB resident (below ${BATCH_LIMITS.resident}), ${share.toFixed(1)} MB its own share, ${(cpu * 100).toFixed(2)} % of a core (below ${BATCH_LIMITS.cpu * 100})`,
          `so 1000 waiting jobs: about ${share.toFixed(1)} GB and ${(cpu * 1000).toFixed(1)} cores`,
        ].join("\n"),
      );
      return Math.max(
        middle(ending) / BATCH_LIMITS.ending,
        middle(lineDelay) / BATCH_LIMITS.lineDelay,
        resident / BATCH_LIMITS.resident,
        cpu / BATCH_LIMITS.cpu,
      );
    } finally {
      await site.close();
    }
  },
};

const status = await answerBar(process.argv.slice(2), [hooks, slurm]);
if (status === undefined) {
  const result = await measureHooks();
  console.log(table(result.measurements, "ms"));
  console.log(`\n${figures(result)}`);
}
process.exitCode = status ?? 0;

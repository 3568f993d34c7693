import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { makeSite, type Site } from "../../test/e2e/site.ts";
import { type SlurmCluster, startSlurm } from "../../test/fixtures/slurm.ts";

/** What one batch job showed; seconds. */
export interface BatchFigures {
  /** From the script's last command to the end of the `run` hook. */
  readonly ending: number;
  /** From a line's writing to its arrival in the job log; the worst of the job's lines. */
  readonly lineDelay: number;
}

/** Memory in MB (10^6 bytes). */
export interface WaitingFigures {
  /** Pages in its page table; the program's own are shared by all. */
  readonly resident: number;
  /** Its proportional share. */
  readonly share: number;
  /** Of one core, with the commands that it ran. */
  readonly cpu: number;
}

/** A real Slurm on this machine, and a driver that uses it. Root only. */
export interface SlurmSite {
  job(): Promise<BatchFigures>;
  /** From the same script's last command to the end of `sbatch --wait`. */
  plainWait(): Promise<number>;
  /** Requests that the controller got while one job of `seconds` ran, for each minute of it. */
  queriesPerMinute(seconds: number): Promise<number>;
  /** What one waiting hook costs, mean of `count` that wait at once. */
  waiting(count: number): Promise<WaitingFigures>;
  close(): Promise<void>;
}

const LINES = 4;

export async function startSlurmSite(): Promise<SlurmSite> {
  const dir = mkdtempSync("/var/tmp/jacamar-bench-slurm-");
  chmodSync(dir, 0o755);
  const cluster = await startSlurm({ dir: `${dir}/slurm`, nodes: 2, cpus: 64 });
  const site = makeSite({
    executor: "slurm",
    more: ["[batch]", `env_vars = ["SLURM_CONF=${cluster.conf}"]`],
  });
  let id = 0;
  return {
    job: () => oneJob(site, ++id),
    plainWait: () => plainWait(cluster, dir),
    queriesPerMinute: (seconds) => countQueries(site, cluster, ++id, seconds),
    waiting: (count) => measureWaiting(site, cluster, count),
    async close() {
      site.close();
      await cluster.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Prints stamps with the time of writing, then ends. */
function stampScript(): string[] {
  return [
    `for i in $(seq ${LINES}); do echo "stamp $EPOCHREALTIME"; sleep 0.3; done`,
    'echo "last $EPOCHREALTIME"',
  ];
}

async function oneJob(site: Site, id: number): Promise<BatchFigures> {
  const delays: number[] = [];
  let last = 0;
  const result = await site.runner().run(
    { id, name: "bench", script: stampScript() },
    {
      onOutput: (text) => {
        const now = Date.now() / 1000;
        for (const [, word, time] of text.matchAll(/^(stamp|last) (\d+\.\d+)$/gm)) {
          if (word === "last") last = Number(time);
          delays.push(now - Number(time));
        }
      },
    },
  );
  const hook = result.hooks.find((run) => run.stage === "build_script");
  if (hook === undefined || last === 0) throw new Error(`the job did not run:\n${result.log}`);
  return { ending: hook.startedAt / 1000 + hook.seconds - last, lineDelay: Math.max(...delays) };
}

async function plainWait(cluster: SlurmCluster, dir: string): Promise<number> {
  const output = `${dir}/plain.out`;
  const script = `#!/bin/bash\n${stampScript().join("\n")}\n`;
  await Bun.write(`${dir}/plain.bash`, script);
  const child = Bun.spawn(["sbatch", "--wait", `--output=${output}`, `${dir}/plain.bash`], {
    env: { PATH: "/usr/bin:/bin", ...cluster.env },
    cwd: dir,
    stdout: "ignore",
  });
  await child.exited;
  const ended = Date.now() / 1000;
  return ended - Number(/^last (\S+)$/m.exec(readFileSync(output, "utf8"))?.[1]);
}

async function countQueries(
  site: Site,
  cluster: SlurmCluster,
  id: number,
  seconds: number,
): Promise<number> {
  const before = requests(cluster);
  await site.runner().run({ id, name: "bench", script: [`sleep ${seconds}`] });
  return ((requests(cluster) - before) / seconds) * 60;
}

/** What sdiag counts of the questions and commands of clients. */
function requests(cluster: SlurmCluster): number {
  const { stdout } = cluster.run(["sdiag"]);
  const asked =
    /REQUEST_(JOB_INFO|JOB_INFO_SINGLE|JOB_USER_INFO|SUBMIT_BATCH_JOB|KILL_JOB)\s.*?count:(\d+)/g;
  return [...stdout.matchAll(asked)].reduce((sum, match) => sum + Number(match[2]), 0);
}

/** Longer than the hook takes to come to rest. */
const SETTLE_MILLISECONDS = 8000;
const WATCH_MILLISECONDS = 10_000;
const TICKS_PER_SECOND = 100;

async function measureWaiting(
  site: Site,
  cluster: SlurmCluster,
  count: number,
): Promise<WaitingFigures> {
  let ready = 0;
  const all = Promise.withResolvers<void>();
  const onOutput = (text: string) => {
    if (text.includes("waiting\n") && ++ready === count) all.resolve();
  };
  const jobs = Array.from({ length: count }, (_, i) =>
    site
      .runner({ concurrentId: i })
      .run({ id: 10_000 + i, name: "wait", script: ["echo waiting", "sleep 600"] }, { onOutput }),
  );
  await all.promise;
  await Bun.sleep(SETTLE_MILLISECONDS);
  const pids = Bun.spawnSync(["pgrep", "-f", `jacamar-linux.* run ${site.dir}/tmp/`])
    .stdout.toString()
    .trim()
    .split("\n");
  const before = pids.map(cpuTicks);
  await Bun.sleep(WATCH_MILLISECONDS);
  const ticks = pids.map((pid, i) => cpuTicks(pid) - (before[i] ?? 0));
  const memory = (field: string) => mean(pids.map((pid) => memoryOf(pid, field)));
  const figures = {
    resident: memory("Rss"),
    share: memory("Pss"),
    cpu: mean(ticks) / TICKS_PER_SECOND / (WATCH_MILLISECONDS / 1000),
  };
  cluster.run(["scancel", "--me"]);
  await Promise.all(jobs);
  return figures;
}

function cpuTicks(pid: string): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // Its own time and that of the commands that it has run and collected.
  return [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
}

function memoryOf(pid: string, field: string): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kibi = Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(text)?.[1]);
  return (kibi * 1024) / 1e6;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Whether a Slurm can be started here at all. */
export function canRunSlurm(): boolean {
  return (
    process.getuid?.() === 0 &&
    statSync("/usr/sbin/slurmctld", { throwIfNoEntry: false }) !== undefined
  );
}

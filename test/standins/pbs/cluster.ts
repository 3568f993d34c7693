import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { until } from "../../e2e/processes.ts";
import { type Attributes, readJobs } from "./store.ts";

/** A server and a node of the stand-in. */
export interface PbsCluster {
  readonly dir: string;
  /** For `[batch] scheduler_bin`. */
  readonly bin: string;
  /** For PBS_CONF_FILE. */
  readonly conf: string;
  /** Sets a switch; see store.ts. */
  on(name: string, value?: string): void;
  off(name: string): void;
  /** As another terminal of the same user. */
  run(argv: readonly string[]): {
    readonly status: number;
    readonly stdout: string;
    readonly stderr: string;
  };
  /** Ids that are queued or running. */
  queue(): string;
  /** How many jobs there have ever been. */
  count(): number;
  /** Ends all that the jobs' nodes still do. */
  stop(): Promise<void>;
}

export function startPbs(...switches: readonly string[]): PbsCluster {
  const dir = mkdtempSync("/var/tmp/jacamar-pbs-");
  const home = `${dir}/spool`;
  mkdirSync(home);
  const conf = `${dir}/pbs.conf`;
  writeFileSync(conf, `PBS_HOME=${home}\n`);
  const bin = `${import.meta.dir}/bin`;
  const on = (name: string, value = "") => writeFileSync(`${home}/${name}`, value);
  for (const name of switches) on(name);
  const run = ([program = "", ...words]: readonly string[]) => {
    const done = Bun.spawnSync([`${bin}/${program}`, ...words], {
      env: { PATH: "/usr/bin:/bin", HOME: dir, LOGNAME: "somebody", PBS_CONF_FILE: conf },
      cwd: dir,
    });
    return { status: done.exitCode, stdout: String(done.stdout), stderr: String(done.stderr) };
  };
  return {
    dir,
    bin,
    conf,
    on,
    off: (name) => rmSync(`${home}/${name}`, { force: true }),
    run,
    queue: () => run(["qselect"]).stdout.trim(),
    count: () => readdirSync(`${home}/jobs`).filter((name) => name.endsWith(".json")).length,
    stop: async () => {
      const pids = readdirSync(`${home}/jobs`, { withFileTypes: true })
        .filter(({ name }) => /\.(mom|copy)$/.test(name))
        .map(({ name }) => Number(readFileSync(`${home}/jobs/${name}`, "utf8")))
        .filter((pid) => isOurs(pid, home));
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await until(() => !pids.some((pid) => isOurs(pid, home)), "the end of the jobs' nodes");
      for (const job of readJobs(home)) endSession(job.attributes["session_id"], home);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What a node that was lost left running. */
function endSession(session: Attributes[string] | undefined, home: string): void {
  if (typeof session === "number" && session > 0 && isOurs(session, home))
    process.kill(-session, "SIGTERM");
}

function isOurs(pid: number, home: string): boolean {
  return ["cmdline", "environ"].some((name) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, "latin1").includes(home);
    } catch {
      return false;
    }
  });
}

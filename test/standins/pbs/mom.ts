/** One job's life on the stand-in for PBS: scheduler, server and node in one process. Arguments: PBS_HOME NUMBER */
import { spawn } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type Attributes, isOn, type Job, jobFile, saveJob, setting } from "./store.ts";

const [home = "", number = ""] = process.argv.slice(2);
const job = JSON.parse(readFileSync(jobFile(home, Number(number)), "utf8")) as Job;
const { start } = job;
const spool = `${home}/mom_priv/${job.id}.OU`;
const target = start.direct ? start.output : spool;
const deletion = `${home}/jobs/${number}.delete`;
const POLL_MILLISECONDS = 20;
const CYCLE_MILLISECONDS = 150;
const START_MILLISECONDS = 300;
/** From the end of the script to state F. */
const END_MILLISECONDS = 1300;
const TRIES = 21;

await live();

async function live(): Promise<void> {
  for (;;) {
    if (start.orphan) return finish(92, {});
    if (!(await untilRun())) return finish(91, { comment: withTail("terminated") });
    const result = await run();
    if (result === "again") continue;
    return finish(...result);
  }
}

function change(more: Attributes): void {
  Object.assign(job.attributes, more, { mtime: Math.floor(Date.now() / 1000) });
  saveJob(home, job);
}

function finish(substate: number, more: Attributes): void {
  change({ ...more, job_state: "F", substate });
  rmSync(deletion, { force: true });
}

function withTail(tail: string): string {
  return `${job.attributes["comment"] ?? ""} and ${tail}`;
}

function isDeleted(): boolean {
  return existsSync(deletion);
}

/** False: deleted while it waited. */
async function untilRun(): Promise<boolean> {
  await Bun.sleep(CYCLE_MILLISECONDS);
  for (; ; await Bun.sleep(POLL_MILLISECONDS)) {
    if (isDeleted()) return false;
    if (job.attributes["job_state"] === "H") continue;
    if (isOn(home, "hold")) {
      change({ job_state: "H", substate: 20, Hold_Types: setting(home, "hold", "u") });
      continue;
    }
    if (Date.now() < start.at) continue;
    if (isOn(home, "down")) continue;
    const comment = waitingFor();
    if (comment === "") return true;
    if (job.attributes["comment"] !== comment || job.attributes["job_state"] !== "Q")
      change({ job_state: "Q", substate: 10, comment });
  }
}

function waitingFor(): string {
  if (start.never !== "") return start.never;
  if (!start.started) return "Not Running: Queue not started.";
  if (isOn(home, "busy")) return "Not Running: Not enough free nodes available";
  return "";
}

type End = "again" | readonly [number, Attributes];

async function run(): Promise<End> {
  const clock = new Date().toString();
  const [day, month, date] = clock.split(" ");
  change({
    job_state: "R",
    substate: 41,
    run_count: Number(job.attributes["run_count"] ?? 0) + 1,
    stime: Math.floor(Date.now() / 1000),
    exec_host: "n1/0",
    exec_vnode: "(n1:ncpus=1)",
    comment: `Job run at ${day} ${month} ${date} at ${clock.slice(16, 21)} on (n1:ncpus=1)`,
  });
  const output = openOutput();
  if (output === undefined) return holdOrTryAgain();
  await Bun.sleep(START_MILLISECONDS);
  const child = startShell(output);
  closeSync(output);
  const ended = new Promise<number>((resolve) => {
    child.on("error", () => resolve(254));
    child.on("exit", (code, signal) => resolve(code ?? 256 + signalNumber(signal)));
  });
  change({ substate: 42, session_id: child.pid ?? 0, jobdir: start.home });
  const why = await watch(ended);
  if (why === "lost") return lost();
  const status = await endSession(why, child.pid ?? 0, ended);
  change({ job_state: "E", substate: 51, Exit_status: status });
  await Bun.sleep(END_MILLISECONDS);
  while (isOn(home, "down")) await Bun.sleep(POLL_MILLISECONDS);
  if (!deliver()) await Bun.sleep(END_MILLISECONDS);
  rmSync(`${home}/pbs.${job.id}`, { recursive: true, force: true });
  if (why === "deleted") return [91, { comment: withTail(`terminated by ${start.user}@srv`) }];
  if (why === "walltime") return [93, { comment: withTail("exceeded resource walltime") }];
  return status === 0
    ? [92, { comment: withTail("finished") }]
    : [93, { comment: withTail("failed") }];
}

function openOutput(): number | undefined {
  process.umask(start.umask);
  try {
    return openSync(target, "a", 0o666);
  } catch {
    return undefined;
  } finally {
    process.umask(0o022);
  }
}

function holdOrTryAgain(): End {
  const isLast = Number(job.attributes["run_count"]) >= TRIES;
  change({
    job_state: isLast ? "H" : "Q",
    substate: isLast ? 20 : 10,
    Exit_status: -3,
    ...(isLast ? { Hold_Types: "s", comment: "job held, too many failed attempts to run" } : {}),
  });
  return "again";
}

/** As the real one: a login shell that reads the script's path from its input, in the home, with an environment of its own. */
function startShell(output: number) {
  const [scratch, nodes] = [`${home}/pbs.${job.id}`, `${home}/mom_priv/${job.id}.nodes`];
  mkdirSync(scratch, { recursive: true });
  writeFileSync(nodes, "n1\n");
  const shell = start.shell || "/bin/bash";
  if (!existsSync(shell))
    appendFileSync(
      target,
      `pbs_mom, exec of ${shell} failed with error: No such file or directory\n`,
    );
  const errors = start.errors === "" ? output : openSync(start.errors, "a", 0o600);
  process.umask(start.umask);
  const child = spawn(shell, [], {
    argv0: `-${shell.split("/").at(-1)}`,
    detached: true,
    cwd: start.home,
    stdio: ["pipe", output, errors],
    env: {
      ...start.variables,
      HOME: start.home,
      LOGNAME: start.user,
      USER: start.user,
      SHELL: "/bin/bash",
      PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
      TMPDIR: scratch,
      ENVIRONMENT: "BATCH",
      NCPUS: "1",
      OMP_NUM_THREADS: "1",
      PBS_ENVIRONMENT: "PBS_BATCH",
      PBS_JOBID: job.id,
      PBS_JOBNAME: String(job.attributes["Job_Name"]),
      PBS_JOBDIR: start.home,
      PBS_NODEFILE: nodes,
      PBS_NODENUM: "0",
      PBS_TASKNUM: "1",
      PBS_MOMPORT: "15003",
      PBS_JOBCOOKIE: "0",
      PBS_QUEUE: String(job.attributes["queue"]),
    },
  });
  process.umask(0o022);
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(`${start.script}\n`);
  return child;
}

type Why = "ended" | "deleted" | "walltime" | "lost";

async function watch(ended: Promise<number>): Promise<Why> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const began = Date.now();
  // MOM looks a second late.
  const limit = start.walltime > 0 ? (start.walltime + 1) * 1000 : Number.POSITIVE_INFINITY;
  for (; ; await Bun.sleep(POLL_MILLISECONDS)) {
    if (over) return "ended";
    if (isDeleted()) return "deleted";
    if (isOn(home, "node-lost")) return "lost";
    if (Date.now() - began >= limit) return "walltime";
  }
}

/** TERM to the whole session at once, KILL after kill_delay; after an end by itself KILL at once. */
async function endSession(why: Why, session: number, ended: Promise<number>): Promise<number> {
  if (why === "walltime")
    appendFileSync(
      target,
      `=>> PBS: job killed: walltime ${start.walltime + 1} exceeded limit ${start.walltime}\n`,
    );
  if (why !== "ended") {
    signal(session, "SIGTERM");
    const deadline = Date.now() + Number(setting(home, "kill_delay", "10")) * 1000;
    while (members(session).length > 0 && Date.now() < deadline) await Bun.sleep(POLL_MILLISECONDS);
  }
  signal(session, "SIGKILL");
  const status = await ended;
  return why === "walltime" ? -29 : status;
}

/** The first run's processes go on. */
function lost(): End {
  if (!start.rerun) return [93, { Exit_status: -20, comment: withTail("failed") }];
  rmSync(`${home}/node-lost`, { force: true });
  change({ job_state: "Q", substate: 10, Exit_status: -20 });
  return "again";
}

/** False: it could not, which does not count. */
function deliver(): boolean {
  if (start.direct) return true;
  try {
    rmSync(start.output, { force: true });
    copyFileSync(spool, start.output);
    return true;
  } catch {
    return false;
  }
}

function signal(session: number, name: NodeJS.Signals): void {
  for (const pid of members(session)) {
    try {
      process.kill(pid, name);
    } catch {
      // Ended by itself.
    }
  }
}

/** What has a session of its own is not seen. */
function members(session: number): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, , , itsSession] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state !== "Z" && Number(itsSession) === session ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function signalNumber(name: string | null): number {
  const numbers: Record<string, number> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
  };
  return numbers[name ?? ""] ?? 6;
}

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, appendFileSync, constants, existsSync, writeFileSync } from "node:fs";
import { constants as system } from "node:os";
import {
  type Instance,
  jobDirectory,
  type Request,
  readRequest,
  readStatus,
  type Status,
  urgencyOf,
  writeStatus,
} from "./instance.ts";

const LOOK = 30;
/** Start and end of the job's own Flux instance. */
const NESTED_START = 400;
const NESTED_END = 500;
const KILL_TIMEOUT = 5000;
/** A job whose script ignores SIGTERM is over so long after it was cancelled, not when the script is killed. */
const STUBBORN = 25_000;
const NEVER_STARTED = "-128";

interface Job {
  readonly instance: Instance;
  readonly request: Request;
  readonly directory: string;
}

interface Cut {
  readonly type: "cancel" | "timeout";
  readonly at: number;
}

/** Takes one job through its states to its end. */
export async function runJob(instance: Instance, id: string): Promise<void> {
  // The instance's, not the submitter's.
  process.umask(0o022);
  const request = readRequest(instance, id);
  if (request === undefined) return;
  const job: Job = { instance, request, directory: jobDirectory(instance, id) };
  if (await waitForStart(job)) await execute(job);
}

function set({ instance, request }: Job, change: Partial<Status>): void {
  const before = readStatus(instance, request.id);
  // The test is over, and with it the instance.
  if (before === undefined) process.exit(1);
  writeStatus(instance, request.id, { ...before, ...change });
}

function isCancelled({ directory }: Job): boolean {
  return existsSync(`${directory}/cancel`);
}

/** False when the job is over before it started. */
async function waitForStart(job: Job): Promise<boolean> {
  const { instance, request, directory } = job;
  const { beginAt } = request;
  const dependencies = beginAt > 0 ? `begin-time=${(beginAt / 1000).toFixed(3)}` : "";
  set(job, { dependencies });
  const isWaiting = () => {
    if (!existsSync(directory)) process.exit(1);
    if (Date.now() < beginAt) return true;
    set(job, { dependencies: "", state: "SCHED" });
    return urgencyOf(instance, request) === 0 || existsSync(`${instance.directory}/queue-stopped`);
  };
  while (isWaiting()) {
    if (isCancelled(job)) {
      end(job, { result: "CANCELED", returncode: NEVER_STARTED, exception: "cancel" });
      return false;
    }
    await Bun.sleep(LOOK);
  }
  if (request.unsatisfiable === "") return true;
  const note = request.unsatisfiable;
  end(job, { result: "FAILED", returncode: "1", exception: "alloc", note });
  return false;
}

function end(job: Job, how: Partial<Status>): void {
  set(job, { state: "INACTIVE", dependencies: "", ...how });
}

/** The shell, the nested broker and the script. */
async function execute(job: Job): Promise<void> {
  const { request } = job;
  set(job, { state: "RUN" });
  const expires = request.limit > 0 ? Date.now() + request.limit * 1000 : 0;
  try {
    writeFileSync(request.output, "");
  } catch {
    const note = "shell_init: No such file or directory";
    end(job, { result: "FAILED", returncode: "1", exception: "exec", note });
    return;
  }
  const say = (text: string) => appendFileSync(request.output, `${text}\n`);
  if (!findsFlux(request.env["PATH"])) {
    say("flux-shell[0]: FATAL: task 0: start failed: flux: No such file or directory");
    end(job, { result: "FAILED", returncode: "127" });
    return;
  }
  await Bun.sleep(NESTED_START);
  say("flux-module-stand-in: the job's own instance starts");
  if (isCancelled(job)) {
    end(job, { result: "CANCELED", returncode: "143", exception: "cancel" });
    return;
  }
  const { code, cut } = await runScript(job, expires);
  if (code !== 0)
    say(
      `${new Date().toISOString()} broker.err[0]: rc2.0: ${job.directory}/script Exited (rc=${code}) 0.0s`,
    );
  const isStubborn = cut?.type === "cancel" && code === 128 + system.signals.SIGKILL;
  await Bun.sleep(isStubborn ? Math.max(0, cut.at + STUBBORN - Date.now()) : NESTED_END);
  set(job, { state: "CLEANUP" });
  await Bun.sleep(LOOK);
  const returncode = isStubborn ? `${-system.signals.SIGKILL}` : `${code}`;
  if (cut === undefined) end(job, { result: code === 0 ? "COMPLETED" : "FAILED", returncode });
  else if (cut.type === "cancel") end(job, { result: "CANCELED", returncode, exception: "cancel" });
  else
    end(job, {
      result: "TIMEOUT",
      returncode,
      exception: "timeout",
      note: "resource allocation expired",
    });
}

function findsFlux(path = ""): boolean {
  return path.split(":").some((directory) => {
    try {
      accessSync(`${directory}/flux`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function runScript(
  job: Job,
  expires: number,
): Promise<{ readonly code: number; readonly cut: Cut | undefined }> {
  const { request, directory } = job;
  const script = spawn(`${directory}/script`, [], {
    // A missing one is told on the attach stream only.
    cwd: existsSync(request.cwd) ? request.cwd : "/tmp",
    env: {
      ...request.env,
      LD_LIBRARY_PATH: "",
      CUDA_VISIBLE_DEVICES: "-1",
      FLUX_URI: `local://${directory}/nested`,
      FLUX_ENCLOSING_ID: request.id,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const save = (bytes: Uint8Array) => appendFileSync(request.output, bytes);
  script.stdout.on("data", save);
  script.stderr.on("data", save);
  const closed = new Promise<void>((resolve) => script.once("close", () => resolve()));
  const ended = new Promise<number>((resolve) => {
    script.once("error", (error) => {
      appendFileSync(request.output, `${directory}/script: ${error.message}\n`);
      resolve(127);
    });
    script.once("exit", (code, signal) =>
      resolve(code ?? 128 + system.signals[signal ?? "SIGKILL"]),
    );
  });
  let isOver = false;
  const watching = watch(job, script, expires, () => isOver);
  const code = await ended;
  isOver = true;
  const cut = await watching;
  // What left the session survives.
  if (cut !== undefined) signalGroup(script, "SIGKILL");
  await Promise.race([closed, Bun.sleep(NESTED_END)]);
  return { code, cut };
}

/** Ends the script when the job is cancelled or its time is over; returns what cut it short. */
async function watch(
  job: Job,
  script: ChildProcess,
  expires: number,
  isOver: () => boolean,
): Promise<Cut | undefined> {
  let cut: Cut | undefined;
  let killed = false;
  while (!isOver()) {
    if (!existsSync(job.directory)) {
      signalGroup(script, "SIGKILL");
      process.exit(1);
    }
    if (cut === undefined && isCancelled(job)) {
      cut = { type: "cancel", at: Date.now() };
      signalGroup(script, "SIGTERM");
    }
    if (cut === undefined && expires > 0 && Date.now() >= expires) {
      cut = { type: "timeout", at: Date.now() };
      signalGroup(script, "SIGALRM");
    }
    if (cut !== undefined && !killed && Date.now() - cut.at >= KILL_TIMEOUT) {
      killed = true;
      signalGroup(script, "SIGKILL");
    }
    await Bun.sleep(LOOK);
  }
  return cut;
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}

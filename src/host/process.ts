import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { errorCode, errorMessage } from "./files.ts";

/** How long output is waited for after a program has ended. */
const DRAIN_MILLISECONDS = 1000;

export interface CommandOptions {
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds; then the process group is killed. */
  readonly timeout?: number;
  /** Each line of stdout and stderr as it arrives, without the line end. */
  readonly onLine?: (line: string) => void;
  /** Ends the process group: TERM, and KILL after `grace`. */
  readonly signal?: AbortSignal;
  /** Milliseconds between TERM and KILL; default 5000. */
  readonly grace?: number;
}

/** How a command ended; the first reason wins. */
export interface CommandResult {
  readonly outcome: "exited" | "signalled" | "timed-out" | "cancelled" | "not-started";
  /** Exit status; -1 unless `exited`. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** One clause for people: `ended with status 3`, `could not be started: …`. */
  readonly description: string;
}

/** Runs a program in a process group of its own with an empty stdin, and waits until it has ended. Never throws. */
export function runCommand(
  argv: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    if (options.signal?.aborted) {
      resolve(result("cancelled", -1, "", "", "was cancelled before it started"));
      return;
    }
    try {
      watch(start(argv, options), options, resolve);
    } catch (error) {
      resolve(notStarted(error, options));
    }
  });
}

function start([file = "", ...args]: readonly string[], { env, cwd }: CommandOptions): Child {
  return spawn(file, args, {
    env: { ...env },
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

function watch(
  child: Child,
  options: CommandOptions,
  resolve: (value: CommandResult) => void,
): void {
  const out = collect(child.stdout, options.onLine);
  const err = collect(child.stderr, options.onLine);
  let reason: "timed-out" | "cancelled" | undefined;
  let insist: NodeJS.Timeout | undefined;
  const end = (why: "timed-out" | "cancelled") => {
    reason ??= why;
    signalGroup(child.pid, "SIGTERM");
    insist ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), options.grace ?? 5000).unref();
  };
  const cancel = () => end("cancelled");
  options.signal?.addEventListener("abort", cancel, { once: true });
  const timer = options.timeout && setTimeout(() => end("timed-out"), options.timeout);
  /** From its end on the program is neither late nor to be cancelled. */
  const ended = () => {
    options.signal?.removeEventListener("abort", cancel);
    if (timer) clearTimeout(timer);
  };
  child.on("error", (error) => {
    ended();
    resolve(notStarted(error, options));
  });
  child.on("exit", () => {
    ended();
    // A daemon that the program left behind may hold the pipes open for ever.
    setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, DRAIN_MILLISECONDS).unref();
  });
  child.on("close", (code, signal) => {
    // Nobody else can have the group's number yet: at most the drain time has passed.
    if (insist) {
      clearTimeout(insist);
      signalGroup(child.pid, "SIGKILL");
    }
    const [stdout, stderr] = [out(), err()];
    if (reason) resolve(result(reason, -1, stdout, stderr, describe(reason, options)));
    else if (code === null) {
      resolve(result("signalled", -1, stdout, stderr, `was ended by ${signal}`));
    } else resolve(result("exited", code, stdout, stderr, `ended with status ${code}`));
  });
}

function describe(reason: "timed-out" | "cancelled", options: CommandOptions): string {
  return reason === "cancelled"
    ? "was cancelled"
    : `did not end within ${(options.timeout ?? 0) / 1000} seconds`;
}

function result(
  outcome: CommandResult["outcome"],
  status: number,
  stdout: string,
  stderr: string,
  description: string,
): CommandResult {
  return { outcome, status, stdout, stderr, description };
}

function notStarted(error: unknown, options: CommandOptions): CommandResult {
  const why = whyNotStarted(error, options.cwd);
  return result("not-started", -1, "", "", `could not be started: ${why}`);
}

function whyNotStarted(error: unknown, cwd: string | undefined): string {
  switch (errorCode(error)) {
    case "ENOENT":
      return cwd === undefined || existsSync(cwd) ? "no such program" : `no such directory: ${cwd}`;
    case "EACCES":
      return "permission denied";
    case "ENOEXEC":
      return "not a program for this machine";
    default:
      return errorMessage(error);
  }
}

/** Gathers a stream; calls back for each complete line, and for the last one at the end. */
function collect(
  stream: NodeJS.ReadableStream,
  onLine: ((line: string) => void) | undefined,
): () => string {
  const chunks: string[] = [];
  let open = "";
  let afterReturn = false;
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    chunks.push(chunk);
    if (!onLine) return;
    // A progress meter ends its lines with \r; the \n of a \r\n may come with the next chunk.
    const rest = afterReturn && chunk.startsWith("\n") ? chunk.slice(1) : chunk;
    afterReturn = chunk.endsWith("\r");
    const lines = (open + rest).split(/\r?\n|\r/);
    open = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (onLine && open !== "") onLine(open);
  });
  return () => chunks.join("");
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Gone already, or a set-user-ID program that is not ours to end.
    if (!["ESRCH", "EPERM"].includes(errorCode(error))) throw error;
  }
}

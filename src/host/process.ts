import { spawn } from "node:child_process";
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
  const [file = "", ...args] = argv;
  return new Promise((resolve) => {
    if (options.signal?.aborted) {
      resolve(result("cancelled", -1, "", "", "was cancelled before it started"));
      return;
    }
    const child = spawn(file, args, {
      env: { ...options.env },
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const out = collect(child.stdout, options.onLine);
    const err = collect(child.stderr, options.onLine);
    let reason: "timed-out" | "cancelled" | undefined;
    const end = (why: "timed-out" | "cancelled") => {
      reason ??= why;
      signalGroup(child.pid, "SIGTERM");
      setTimeout(() => signalGroup(child.pid, "SIGKILL"), options.grace ?? 5000).unref();
    };
    const cancel = () => end("cancelled");
    options.signal?.addEventListener("abort", cancel, { once: true });
    const timer = options.timeout && setTimeout(() => end("timed-out"), options.timeout);
    const settle = (value: CommandResult) => {
      options.signal?.removeEventListener("abort", cancel);
      if (timer) clearTimeout(timer);
      resolve(value);
    };
    child.on("error", (error) =>
      settle(result("not-started", -1, "", "", `could not be started: ${whyNotStarted(error)}`)),
    );
    // A daemon that the program left behind may hold the pipes open for ever.
    child.on("exit", () => {
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, DRAIN_MILLISECONDS).unref();
    });
    child.on("close", (code, signal) => {
      const [stdout, stderr] = [out(), err()];
      if (reason) settle(result(reason, -1, stdout, stderr, describe(reason, options)));
      else if (code === null) {
        settle(result("signalled", -1, stdout, stderr, `was ended by ${signal}`));
      } else settle(result("exited", code, stdout, stderr, `ended with status ${code}`));
    });
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

function whyNotStarted(error: Error): string {
  switch (errorCode(error)) {
    case "ENOENT":
      return "no such program";
    case "EACCES":
      return "permission denied";
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
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    chunks.push(chunk);
    if (!onLine) return;
    // A progress meter ends its lines with \r.
    const lines = (open + chunk).split(/\r?\n|\r/);
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
    if (errorCode(error) !== "ESRCH") throw error;
  }
}

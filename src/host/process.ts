import { existsSync } from "node:fs";
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
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  if (options.signal?.aborted)
    return result("cancelled", -1, "", "", "was cancelled before it started");
  let child: Child;
  try {
    child = start(argv, options);
  } catch (error) {
    return notStarted(error, options);
  }
  return await watch(child, options);
}

// Not node:child_process: with its streams it doubles the memory of a hook that waits for a batch job.
function start(argv: readonly string[], { env, cwd }: CommandOptions): Child {
  return Bun.spawn([...argv], {
    env: { ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

async function watch(child: Child, options: CommandOptions): Promise<CommandResult> {
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
  await child.exited;
  // From its end on the program is neither late nor to be cancelled.
  options.signal?.removeEventListener("abort", cancel);
  if (timer) clearTimeout(timer);
  // A daemon that the program left behind may hold the pipes open for ever.
  const drain = setTimeout(() => {
    out.stop();
    err.stop();
  }, DRAIN_MILLISECONDS);
  const [stdout, stderr] = await Promise.all([out.text, err.text]);
  clearTimeout(drain);
  // Nobody else can have the group's number yet: at most the drain time has passed.
  if (insist) {
    clearTimeout(insist);
    signalGroup(child.pid, "SIGKILL");
  }
  const { exitCode, signalCode } = child;
  if (reason) return result(reason, -1, stdout, stderr, describe(reason, options));
  return exitCode === null
    ? result("signalled", -1, stdout, stderr, `was ended by ${signalCode}`)
    : result("exited", exitCode, stdout, stderr, `ended with status ${exitCode}`);
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
  stream: ReadableStream<Uint8Array>,
  onLine: ((line: string) => void) | undefined,
): { readonly text: Promise<string>; readonly stop: () => void } {
  const reader = stream.getReader();
  const gather = async (): Promise<string> => {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const lines = onLine && lineSplitter(onLine);
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      const piece = decoder.decode(value, { stream: !done });
      text += piece;
      lines?.add(piece);
      if (done) break;
    }
    lines?.end();
    return text;
  };
  return { text: gather(), stop: () => void reader.cancel() };
}

function lineSplitter(onLine: (line: string) => void) {
  let open = "";
  let afterReturn = false;
  return {
    add(piece: string): void {
      if (piece === "") return;
      // A progress meter ends its lines with \r; the \n of a \r\n may come with the next piece.
      const rest = afterReturn && piece.startsWith("\n") ? piece.slice(1) : piece;
      afterReturn = piece.endsWith("\r");
      const lines = (open + rest).split(/\r?\n|\r/);
      open = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    },
    end(): void {
      if (open !== "") onLine(open);
    },
  };
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

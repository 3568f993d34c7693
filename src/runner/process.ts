import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fchownSync } from "node:fs";
import { openPipe, type PipeReader, readPipe } from "./pipe.ts";

/** What to start. */
export interface HookCommand {
  /** Absolute path of the program and its arguments. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Working directory; for the runner's hooks always their `TMPDIR`. */
  readonly cwd: string;
  /** Run as this user instead of the own one. */
  readonly uid?: number;
  readonly gid?: number;
  /** Gets every piece of output as it arrives. */
  readonly onOutput?: (stream: "stdout" | "stderr", text: string) => void;
}

/** How long a hook may take to go, milliseconds. */
export interface KillTimeouts {
  /** From SIGTERM to SIGKILL; the runner's default is 600 000. */
  readonly graceful: number;
  /** From SIGKILL to giving up; the runner's default is 10 000. */
  readonly force: number;
}

/** How a hook ended. */
export interface HookResult {
  /** Undefined when the hook could not be started. */
  readonly pid: number | undefined;
  /** Null after a signal, and when the hook was given up or could not be started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, in the order in which their pieces arrived. */
  readonly log: string;
  readonly seconds: number;
  /** The hook outlived SIGKILL, or something kept its pipes open; it was left behind. */
  readonly gaveUp: boolean;
  /** Why the hook could not be started. */
  readonly startError: string | undefined;
}

/** A started hook. */
export interface Hook {
  readonly result: Promise<HookResult>;
  /**
   * Ends the hook as the runner does: SIGTERM, then SIGKILL, then giving up. Further calls do
   * nothing.
   *
   * @param onlyPid - Send SIGTERM to the process alone instead of its group.
   */
  kill(timeouts: KillTimeouts, onlyPid?: boolean): void;
  /** Leaves the hook to itself and closes its pipes, as the death of the runner does. */
  abandon(): void;
}

/**
 * Starts a hook with `/dev/null` as standard input and one pipe for each of the outputs.
 *
 * The hook has ended only when it has exited and both pipes are closed, so a background process
 * which inherited them keeps it running. The real runner makes the hook the leader of a new process
 * group in its own session; `detached` of `spawn` starts a new session as well. That makes no
 * difference to a hook which does not look at its session or terminal, and it has no terminal.
 */
export function startHook(command: HookCommand): Hook {
  const started = performance.now();
  const stdout = openPipe();
  const stderr = openPipe();
  const pieces: string[] = [];
  const note = (stream: "stdout" | "stderr") => (text: string) => {
    pieces.push(text);
    command.onOutput?.(stream, text);
  };
  const child = startChild(command, [stdout.write, stderr.write]);
  closeSync(stdout.write);
  closeSync(stderr.write);
  const readers = {
    stdout: readPipe(stdout.read, note("stdout")),
    stderr: readPipe(stderr.read, note("stderr")),
  };
  const ending = waitForEnd(child, Object.values(readers));
  return {
    result: ending.done.then((end) => ({
      pid: child instanceof Error ? undefined : child.pid,
      ...end,
      stdout: readers.stdout.text(),
      stderr: readers.stderr.text(),
      log: pieces.join(""),
      seconds: (performance.now() - started) / 1000,
      startError: child instanceof Error ? child.message : undefined,
    })),
    kill(timeouts, onlyPid = false) {
      if (!(child instanceof Error) && child.pid !== undefined) {
        ending.kill(child.pid, timeouts, onlyPid);
      }
    },
    abandon: ending.abandon,
  };
}

/** Starts the process; a failure to do so is a result like others and not thrown. */
function startChild(command: HookCommand, outputs: readonly number[]): ChildProcess | Error {
  const [program = "", ...args] = command.argv;
  const texts = [...command.argv, ...Object.entries(command.env).flat()];
  if (texts.some((text) => text.includes("\0"))) {
    return new Error("invalid argument: a NUL byte in the arguments or the environment");
  }
  const user = {
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
  };
  try {
    for (const descriptor of command.uid === undefined ? [] : outputs) {
      // The runner would run as this user itself, and its pipes would belong to it.
      fchownSync(descriptor, command.uid ?? -1, command.gid ?? -1);
    }
    const child = spawn(program, args, {
      ...user,
      cwd: command.cwd,
      env: { ...command.env },
      detached: true,
      stdio: ["ignore", ...outputs],
    });
    // Without a process there is no pid; the error event which follows repeats what this says.
    child.on("error", () => undefined);
    return child.pid === undefined ? new Error(`cannot execute ${program}`) : child;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

type End = Pick<HookResult, "code" | "signal" | "gaveUp">;

/** Waits for exit and for the end of both pipes, and knows how to cut that short. */
function waitForEnd(child: ChildProcess | Error, readers: readonly PipeReader[]) {
  const done = Promise.withResolvers<End>();
  const exited = child instanceof Error ? Promise.resolve([null, null]) : once(child, "exit");
  const natural = Promise.all([exited, ...readers.map((reader) => reader.ended)]);
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  void natural.then(([[code, signal]]) => {
    // From here on the number of the process may belong to another one.
    isOver = true;
    clearTimeout(timer);
    done.resolve({ code, signal, gaveUp: false });
  });

  function forceKill(pid: number, timeouts: KillTimeouts): void {
    signalTo(-pid, "SIGKILL");
    timer = setTimeout(
      () => done.resolve({ code: null, signal: null, gaveUp: true }),
      timeouts.force,
    );
  }

  return {
    done: done.promise,
    kill(pid: number, timeouts: KillTimeouts, onlyPid: boolean): void {
      if (isOver) {
        return;
      }
      isOver = true;
      if (signalTo(onlyPid ? pid : -pid, "SIGTERM")) {
        timer = setTimeout(() => forceKill(pid, timeouts), timeouts.graceful);
      } else {
        forceKill(pid, timeouts);
      }
    },
    abandon(): void {
      clearTimeout(timer);
      for (const reader of readers) {
        reader.close();
      }
      if (!(child instanceof Error)) {
        child.unref();
      }
      done.resolve({ code: null, signal: null, gaveUp: true });
    },
  };
}

function signalTo(target: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch {
    return false;
  }
}

import { readFileSync } from "node:fs";
import type { HookRun } from "./types.ts";

/** What the runner makes of a hook that ended. */
export type HookOutcome =
  | { readonly kind: "ok" }
  /** The job's own fault: never repeated. */
  | { readonly kind: "build-failure"; readonly exitCode: number; readonly message: string }
  /** Anything else. */
  | { readonly kind: "system-failure"; readonly message: string };

/**
 * Maps the end of a hook: 0 is success, 1 a failure of the job, everything else (2, other codes,
 * signals, a hook that could not be started or not be killed) a failure of the system.
 *
 * After code 1 the first line of the exit-code file gives the code to report. Whether this hook
 * wrote it does not matter: a file left by an earlier hook of the same attempt counts too. A first
 * line which is not a whole number turns the failure into one of the system.
 *
 * @param exitCodeFile - Path of the exit-code file, or undefined for a runner without one.
 */
export function hookOutcome(run: HookRun, exitCodeFile: string | undefined): HookOutcome {
  if (run.startError !== undefined) {
    return system(`failed to start command: ${run.startError}`);
  }
  if (run.gaveUp) {
    return system(`failed to kill process PID=${run.pid}, likely process is dormant`);
  }
  const status = run.signal === null ? `exit status ${run.code}` : `signal: ${name(run.signal)}`;
  if (run.code === 0) {
    return { kind: "ok" };
  }
  if (run.code === 1) {
    const line = exitCodeFile === undefined ? undefined : firstLine(exitCodeFile);
    const exitCode = line === undefined ? 1 : wholeNumber(line);
    return exitCode === undefined
      ? system(unknown(2, status))
      : { kind: "build-failure", exitCode, message: `exit status ${exitCode}` };
  }
  return system(run.code === 2 ? status : unknown(run.code ?? -1, status));
}

function system(message: string): HookOutcome {
  return { kind: "system-failure", message };
}

function unknown(code: number, status: string): string {
  return `unknown Custom executor executable exit code ${code}; executable execution terminated with: ${status}`;
}

/** Names of the signals a hook usually dies of, as Go prints them. */
function name(signal: string): string {
  const names: Readonly<Record<string, string>> = {
    SIGTERM: "terminated",
    SIGKILL: "killed",
    SIGINT: "interrupt",
    SIGSEGV: "segmentation fault",
    SIGABRT: "aborted",
  };
  return names[signal] ?? signal;
}

/** The first line without its line end; undefined when there is no file. */
function firstLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n")[0]?.replace(/\r$/, "");
  } catch {
    return undefined;
  }
}

function wholeNumber(text: string): number | undefined {
  return /^[+-]?[0-9]+$/.test(text) ? Number(text) : undefined;
}

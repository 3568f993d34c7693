import { writeFileSync } from "node:fs";
import { isSystemFailure } from "../host/failure.ts";
import { errorMessage, unlinkIfThere } from "../host/files.ts";
import { exitCodes, type Outcome } from "../plan/outcome.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Set by `jacamar try` for its hooks: its jobs, which may be another user's, are in no figures and no log of the site. */
export const TRY_VARIABLE = "JACAMAR_TRY";

/** Which exit codes gitlab-runner understands, and where it reads a script's own status. */
export interface ExitProtocol {
  readonly buildFailure: number;
  readonly systemFailure: number;
  /** Absent before gitlab-runner 17.9. */
  readonly exitCodeFile: string | undefined;
}

export function exitProtocol(env: Environment): ExitProtocol {
  const code = (name: string, fallback: number) => {
    const value = Number(env[name]);
    return Number.isInteger(value) && value > 0 && value < 256 ? value : fallback;
  };
  return {
    buildFailure: code("BUILD_FAILURE_EXIT_CODE", 1),
    systemFailure: code("SYSTEM_FAILURE_EXIT_CODE", 2),
    exitCodeFile: env["BUILD_EXIT_CODE_FILE"] || undefined,
  };
}

/** The runner reads the file after every hook that exits with 1 and never removes it itself. */
export function removeStaleExitCode(protocol: ExitProtocol): void {
  if (protocol.exitCodeFile !== undefined) unlinkIfThere(protocol.exitCodeFile);
}

/**
 * Runs one hook to its end and gives the exit code of the process: the one place where failures are told apart.
 * `ended` is told the outcome and must not throw.
 */
export async function runHook(
  name: string,
  env: Environment,
  complain: (message: string) => void,
  work: (protocol: ExitProtocol) => Promise<Outcome>,
  ended?: (outcome: Outcome) => void | Promise<void>,
): Promise<number> {
  const protocol = exitProtocol(env);
  let outcome: Outcome;
  try {
    removeStaleExitCode(protocol);
    outcome = await work(protocol);
  } catch (error) {
    outcome = { kind: "failed", message: describe(name, error), retryable: true };
  }
  if (outcome.kind === "refused") complain(outcome.refusal.message);
  if (outcome.kind === "failed" || outcome.kind === "cancelled") complain(outcome.message);
  await ended?.(outcome);
  const { exit, exitCodeFile } = exitCodes(outcome, protocol);
  if (exitCodeFile !== undefined && protocol.exitCodeFile !== undefined) {
    writeFileSync(protocol.exitCodeFile, `${exitCodeFile}\n`);
  }
  return exit;
}

/** One line for what the outside world did to us; a stack only for what must be a fault of the driver. */
function describe(name: string, error: unknown): string {
  if (isSystemFailure(error)) return error.message;
  if (error instanceof Error && "syscall" in error) return `${name}: ${errorMessage(error)}`;
  const stack = error instanceof Error ? error.stack : String(error);
  return `${name}: this is a fault of the driver, please report it: ${stack}`;
}

import type { PrepareOutcome } from "./attempt.ts";
import type { Ending } from "./interrupts.ts";
import type { FailureReason } from "./types.ts";

/** Why a job did not succeed. */
export interface Failure {
  readonly status: "failed" | "canceled";
  readonly reason: FailureReason;
  readonly exitCode?: number;
  readonly message: string;
}

/**
 * The failure which the outcome of a hook means for the job; undefined for success.
 *
 * @param prefix - Put in front of the message of a failed hook.
 */
export function failureOf(outcome: PrepareOutcome, prefix = ""): Failure | undefined {
  switch (outcome.kind) {
    case "ok":
      return undefined;
    case "build-failure":
      return {
        status: "failed",
        reason: "script_failure",
        exitCode: outcome.exitCode,
        message: `${prefix}${outcome.message}`,
      };
    case "system-failure":
      return {
        status: "failed",
        reason: "runner_system_failure",
        message: `${prefix}${outcome.message}`,
      };
    case "configuration-error":
      return { status: "failed", reason: "runner_configuration_error", message: outcome.message };
  }
}

/**
 * The failure of a job which was ended from outside, or whose script was.
 *
 * @param seconds - Timeout of the job, for the message.
 */
export function endingFailure(
  ending: Ending | "timedout" | undefined,
  seconds: number,
): Failure | undefined {
  switch (ending) {
    case undefined:
      return undefined;
    case "canceled":
      return { status: "canceled", reason: "job_canceled", message: "canceled" };
    case "timeout":
    case "timedout":
      return {
        status: "failed",
        reason: "job_execution_timeout",
        message: `execution took longer than ${seconds}s`,
      };
    case "died":
      // The server notices only by the silence of the runner.
      return { status: "failed", reason: "stuck_or_timeout_failure", message: "" };
  }
}

/** The last line of a failed job's log. */
export function failureLine(failure: Failure): string {
  const kind = failure.reason === "runner_system_failure" ? " (system failure)" : "";
  return `ERROR: Job failed${kind}: ${failure.message}`;
}

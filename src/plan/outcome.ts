import type { Refusal } from "./decision.ts";

/** How a hook ended; made in one place, turned into an exit code in one place. */
export type Outcome =
  /** The user's script ran and ended by itself; `status` is what it exited with. */
  | { readonly kind: "exited"; readonly status: number }
  /** A decision said no before anything ran. */
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** The script could not be run, or nobody knows how it ended. */
  | { readonly kind: "failed"; readonly message: string; readonly retryable: boolean }
  /** The runner asked to stop. */
  | { readonly kind: "cancelled"; readonly message: string };

export interface FailureCodes {
  /** `BUILD_FAILURE_EXIT_CODE` of the runner. */
  readonly buildFailure: number;
  /** `SYSTEM_FAILURE_EXIT_CODE` of the runner. */
  readonly systemFailure: number;
}

export interface ExitCodes {
  /** What the hook's process exits with. */
  readonly exit: number;
  /** The text for `BUILD_EXIT_CODE_FILE`; absent: the file must not exist, or the runner reports its old content. */
  readonly exitCodeFile?: string;
}

/** The runner's protocol: its build-failure code for the user's faults, its system-failure code for all others. */
export function exitCodes(outcome: Outcome, codes: FailureCodes): ExitCodes {
  switch (outcome.kind) {
    case "exited":
      return outcome.status === 0
        ? { exit: 0 }
        : { exit: codes.buildFailure, exitCodeFile: String(outcome.status) };
    case "refused":
      return {
        exit: outcome.refusal.fault === "user" ? codes.buildFailure : codes.systemFailure,
      };
    case "failed":
    case "cancelled":
      // Never 0 after a signal: the runner would take the hook for a success.
      return { exit: codes.systemFailure };
  }
}

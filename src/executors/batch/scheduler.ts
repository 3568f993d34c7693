import type { Refusal, Verdict } from "../../plan/decision.ts";

/**
 * One batch scheduler: what its commands are told and what their answers mean. Pure: nothing here starts a process,
 * reads a file or looks at a clock; `run-batch.ts` carries it out and is the same for all of them.
 */
export interface Scheduler {
  readonly name: "slurm" | "flux" | "pbs" | "lsf";
  /** For messages, e.g. `Slurm`. */
  readonly title: string;
  /** Programs that must be found: in `[batch] scheduler_bin`, else in the login shell's PATH. */
  readonly programs: readonly string[];
  /** Prints the scheduler's version; absent where nothing depends on it. */
  readonly version?: Call;
  /** Seconds after which a call is given up: a hung controller must not hang the job. */
  readonly patience: { readonly submit: number; readonly query: number; readonly cancel: number };
  /** Seconds in which a cancelled job must have ended by the scheduler's own means. */
  readonly cancelSeconds: number;
  /** What the driver's program on the node must do otherwise than by default. */
  readonly wrapper?: {
    /** Write the job's output itself: the scheduler's file is there only at the end. */
    readonly writesOutput: boolean;
    /** End with 0 or 1 only. */
    readonly plainExit: boolean;
  };

  /**
   * Checks words that a user or administrator adds to the submission. Whatever would take the job out of the driver's
   * hands (output, name, directory, environment, several jobs, waiting, a script of its own, `--` …) is refused with the
   * word and the reason; `allowIllegal` lets these through (never what would become the script).
   */
  checkArguments(words: readonly string[], origin: ArgumentOrigin): Verdict<readonly string[]>;
  /** Whether a variable of the hook's own environment reaches the scheduler's commands, e.g. SLURM_CONF. */
  keepsVariable(name: string): boolean;

  submit(job: Submission): Call;
  readSubmission(answer: Answer): Submitted;
  /** Looks the job up by its unique name, after an answer was lost. */
  find(name: string): Call;
  /** Where `find` shows no job that has ended: lists those, for `readFound`, too. */
  findEnded?(name: string): Call;
  /** Ids found, in any state; undefined when the scheduler could not be asked. */
  readFound(answer: Answer): readonly string[] | undefined;
  query(id: string): Call;
  /** `again`: the same question in another form (history off, forgotten by the queue …). */
  readState(answer: Answer, id: string): JobState | { readonly again: Call };
  /**
   * What the end of a job's output says about its end, where the scheduler writes that there and may not tell it
   * otherwise. A user can write it as well, so it never makes a job green.
   */
  readOutput?(text: string, id: string): string | undefined;
  cancel(id: string): Call;
  /** `accepted` and `over` need no other call; `retry` does. */
  readCancel(answer: Answer): "accepted" | "over" | "retry";
}

/** Who wrote extra words for a submission, and where. */
export interface ArgumentOrigin {
  readonly fault: Refusal["fault"];
  /** The key or variable that the words are from. */
  readonly from: string;
  readonly allowIllegal: boolean;
}

/** A command of the scheduler: program name first. `env` is added to the small environment that all calls share. */
export interface Call {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a call gave; `status` is undefined when it was given up or could not be started. */
export interface Answer {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Submission {
  /** Unique among all jobs of the user: `ci` and up to 13 of [a-z0-9]. */
  readonly name: string;
  /** Checked words: the administrator's, then the user's. The driver's own come after them and win. */
  readonly words: readonly string[];
  /** Existing absolute directory, for the job's working directory. */
  readonly directory: string;
  /** Absolute path, in a fresh 0700 directory, where the scheduler puts the job's output. */
  readonly output: string;
  /** Absolute path of the program to run; it has a `#!` line, holds no secret and no directive. */
  readonly wrapper: string;
  /** `MAJOR.MINOR[.PATCH]` of the scheduler where a decision needs it, else empty. */
  readonly version: string;
}

export type Submitted =
  | { readonly kind: "accepted"; readonly id: string }
  /** The scheduler said no: its own words. The user's fault. */
  | { readonly kind: "refused"; readonly message: string }
  /** Nobody knows whether the job exists: find it by name. */
  | { readonly kind: "lost"; readonly message: string }
  /** The controller cannot be reached: nothing was submitted, try again. */
  | { readonly kind: "unreachable"; readonly message: string };

export type JobState =
  | {
      readonly phase: "pending";
      /** The scheduler's own word for the state. */
      readonly word: string;
      /** The scheduler's own word for why; empty when it gives none. */
      readonly reason: string;
      /** The request can never run as it is, in the scheduler's words; absent: it may. */
      readonly impossible?: string;
      /** Estimated start as the scheduler prints it. */
      readonly startsAt?: string;
      /**
       * Held, and by whom: nothing will happen unless somebody releases it. `user`: with a right that the job's owner
       * has; `system`: by the scheduler itself or those who run it.
       */
      readonly held?: "user" | "system";
    }
  | {
      readonly phase: "running";
      readonly word: string;
      /** How often the job was started again, where the scheduler tells; a rerun is a system failure. */
      readonly restarts?: number;
    }
  | { readonly phase: "ended"; readonly word: string; readonly ending: Ending }
  /** The scheduler does not know the job (any more). Never an end that is well. */
  | {
      readonly phase: "forgotten";
      /** Why that is no wonder, for messages. */
      readonly note?: string;
    }
  /** The scheduler could not be asked: says nothing about the job. */
  | { readonly phase: "unreachable"; readonly message: string };

/** What the scheduler itself says about a job's end. */
export type Ending =
  /** Does not contradict a script that recorded 0. */
  | { readonly kind: "completed" }
  /** The job's program ended with another status: the marker decides which. */
  | { readonly kind: "failed"; readonly status?: number; readonly reason: string }
  /** Time limit, memory, cancelled by somebody, … : one line with the reason and what to change. */
  | { readonly kind: "cut"; readonly fault: "user" | "system"; readonly message: string };

import type { ScriptFrame } from "./quoting.ts";

/** One argv per hook: absolute path of the program, then the `*_args` of the configuration. */
export interface DriverCommands {
  readonly config?: readonly string[];
  readonly prepare?: readonly string[];
  /** The runner appends the script path and the stage. */
  readonly run: readonly string[];
  readonly cleanup?: readonly string[];
}

/** The configuration of a simulated runner. All times in milliseconds. */
export interface RunnerOptions {
  readonly driver: DriverCommands;
  /** The runner process' own environment, which its hooks inherit. Default: PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** Directory for each attempt's `TMPDIR`; created when missing. */
  readonly tmpRoot: string;
  /** Directory for artifacts and caches; created when missing, writable for every user. */
  readonly store: string;
  /**
   * What the scripts of caches and artifacts call, a name in PATH or a path. The real runner's scripts say
   * `gitlab-runner`, the default; a real one in the PATH could not use the store.
   */
  readonly gitlabRunner?: string;
  /** `builds_dir` and `cache_dir` of the configuration. */
  readonly buildsDir?: string;
  readonly cacheDir?: string;
  /** Runner version, `major.minor`. Default 19.4. */
  readonly version?: string;
  /** Frame of the scripts. Default: that of the version and the job's feature flags. */
  readonly scriptFrame?: ScriptFrame;
  /** The runner's authentication token. */
  readonly token?: string;
  /** `environment` of the configuration: variables for every job. */
  readonly environment?: Readonly<Record<string, string>>;
  /** PEM text for `CI_SERVER_TLS_CA_FILE`. */
  readonly tlsCaPem?: string;
  /** `[runners.custom_build_dir] enabled`: permits `GIT_CLONE_PATH`. */
  readonly customBuildDir?: boolean;
  /** Fixed `CI_CONCURRENT_ID` and `CI_CONCURRENT_PROJECT_ID`. Default: lowest free numbers. */
  readonly concurrentId?: number;
  /** Run the hooks as this user; the attempt's files belong to it as well. */
  readonly uid?: number;
  readonly gid?: number;
  /** Pause after each failed attempt. Default 3000. */
  readonly retryWait?: number;
  /** Pause before a stage is tried again, doubled each time. Default 5000, before 18.0: 0. */
  readonly stageRetryWait?: number;
  /** SIGTERM to SIGKILL. Default 600 000. */
  readonly gracefulKill?: number;
  /** SIGKILL to giving up. Default 10 000. */
  readonly forceKill?: number;
  /** Longest wait for a stage after an abort or timeout, before cleanup. Default 300 000. */
  readonly buildFinishWait?: number;
  /** `config_exec_timeout` and so on. Default 3 600 000 each. */
  readonly hookTimeouts?: { readonly [K in "config" | "prepare" | "cleanup"]?: number };
  /** Gets each piece of every job's log as it is written, without masking. */
  readonly onLog?: (text: string, jobName: string) => void;
}

/** A hook as a test names it: `config`, `prepare`, `cleanup` or a stage like `build_script`. */
export type HookPoint = string;

/** When something happens to a running job; the first output of the hook if nothing else is set. */
export interface Trigger {
  readonly stage: HookPoint;
  /** Milliseconds after the start of that hook, or after `onText` if that is set. */
  readonly after?: number;
  /** Text which the hook's output must contain; the moment it does is the moment meant. */
  readonly onText?: string;
}

/** Where a job stands when a callback of a test runs. */
export interface JobPosition {
  readonly attempt: number;
  readonly temporaryDirectory: string;
  readonly buildsDir: string;
  readonly projectDir: string;
}

/**
 * What a test does to a running job. A stage name instead of a `Trigger` means the first output
 * of that hook, by when its program surely runs. Each trigger acts once; it waits for a later
 * attempt or try when the first such hook ends before.
 */
export interface JobControl {
  /** The user's cancel button: `canceling`. */
  readonly cancelDuring?: HookPoint | Trigger;
  /** The job ends at once on the server: `canceled`, or a 403 answer. */
  readonly abortDuring?: HookPoint | Trigger;
  /** The cancel button, at any moment. */
  readonly cancelOn?: AbortSignal;
  /** As `abortDuring`, at any moment. */
  readonly abortOn?: AbortSignal;
  /** The runner process dies: the hook is left alone and no cleanup follows. */
  readonly killRunnerDuring?: HookPoint | Trigger;
  /** Job timeout, milliseconds after the start of the job. */
  readonly timeoutAfter?: number;
  /** `RUNNER_SCRIPT_TIMEOUT`, milliseconds after the start of the user's steps. */
  readonly scriptTimeoutAfter?: number;
  /** SIGTERM goes to the hook's process alone; SIGKILL still goes to its group. */
  readonly termOnlyPid?: boolean;
  /** Runs before each hook. */
  readonly beforeStage?: (stage: HookPoint, position: JobPosition) => void | Promise<void>;
  /** Runs after each hook; an exit-code file, for example, is still there. */
  readonly afterHook?: (run: HookRun, position: JobPosition) => void | Promise<void>;
  /** Gets every piece of output of every hook. */
  readonly onOutput?: (text: string, stage: HookPoint) => void;
}

/** One call of a hook. */
export interface HookRun {
  readonly hook: "config" | "prepare" | "run" | "cleanup";
  /** Stage of a `run` hook, else the name of the hook. */
  readonly stage: HookPoint;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly argv: readonly string[];
  readonly temporaryDirectory: string;
  readonly envKeys: readonly string[];
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly seconds: number;
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Left behind: it outlived SIGKILL, or the runner died. */
  readonly gaveUp: boolean;
  readonly startError: string | undefined;
}

/** Reasons which the runner or the server give for a job that did not succeed. */
export type FailureReason =
  | "script_failure"
  | "runner_system_failure"
  | "runner_configuration_error"
  | "job_execution_timeout"
  | "job_canceled"
  | "stuck_or_timeout_failure";

/** How a job ended. */
export interface JobResult {
  readonly status: "success" | "failed" | "canceled";
  readonly failureReason?: FailureReason;
  /** As sent to the server, which does not learn of a zero. */
  readonly exitCode?: number;
  /** The job page's log, with masked variables hidden. */
  readonly log: string;
  /** In the order in which they ended. */
  readonly hooks: readonly HookRun[];
  /** `builds_dir` in effect at the end; empty when no attempt got past `config_exec`. */
  readonly buildsDir: string;
  readonly projectDir: string;
  /** How often the runner tried config and prepare. */
  readonly attempts: number;
}

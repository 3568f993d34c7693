import type { Amount } from "./size.ts";

/**
 * The configuration after validation and defaults: what an admin's TOML means. Property names are the TOML keys
 * (one vocabulary in file, code, messages and docs). Empty strings have become absent, durations seconds, sizes bytes.
 */
export interface Settings {
  readonly general: GeneralSettings;
  readonly charliecloud: CharliecloudSettings;
  readonly metrics: MetricsSettings;
  readonly log: LogSettings;
  readonly batch: BatchSettings;
  readonly auth: AuthSettings;
  /** Dotted paths of keys that upstream knows and this version does not act on, in file order. */
  readonly inactive: readonly string[];
  /** Absolute path of the file. */
  readonly file: string;
}

export type ExecutorName = "shell" | "slurm" | "flux" | "pbs" | "lsf" | "cobalt";

export interface GeneralSettings {
  /** Canonical: aliases (`sbatch`, `bsub`, `qsub`) are resolved. */
  readonly executor: ExecutorName;
  /** As written: `$HOME`, `$USER` are expanded by `plan/directories`. */
  readonly data_dir: string;
  readonly retain_logs: boolean;
  readonly job_summary: boolean;
  readonly custom_build_dir: boolean;
  readonly group_permissions: boolean;
  /** Seconds between TERM and KILL; 120 by default. */
  readonly kill_timeout: number;
  readonly force_mechanism: boolean;
  /** `K=V` entries for the clean login shell. */
  readonly user_bash_env: readonly string[];
  readonly unknown_keys: "error" | "warn";
  readonly name?: string;
  readonly shell_path?: string;
  readonly job_message?: string;
  readonly run_mechanism?: "charliecloud" | "podman";
}

export interface CharliecloudSettings {
  readonly application_path?: string;
  readonly runner_image?: string;
  readonly runner_options: readonly string[];
  readonly runner_pull_policy?: PullPolicy;
  /** At least one; absent: a job may name any. */
  readonly allowed_pull_policies?: readonly PullPolicy[];
  readonly default_image?: string;
  readonly custom_options: readonly string[];
  readonly step_script_only: boolean;
  /** RE2 patterns; absent: every image is allowed. */
  readonly image_allowlist?: readonly string[];
  readonly user_volume_variable?: string;
  readonly prep_script?: string;
  readonly disable_user_args: boolean;
  readonly image_storage_dir?: string;
  readonly disable_convert: boolean;
  readonly image_environment: boolean;
  /** No registry is asked but those that `mirrors` name. */
  readonly offline: boolean;
  readonly cache: CacheSettings;
  /** The tables `[[general.charliecloud.mirror]]`, in file order; no registry stands twice. */
  readonly mirrors: readonly MirrorSettings[];
}

/** `[general.charliecloud.cache]`: images kept between jobs. */
export interface CacheSettings {
  readonly enabled: boolean;
  readonly puller: "builtin" | "ch-image";
  /** As written: `$HOME`, `$USER` are expanded by `plan/cache-directory`. */
  readonly dir?: string;
  /** Bytes; 0: no limit. */
  readonly max_size?: number;
  /** Seconds since an image was last used; 0: no limit. */
  readonly max_age: number;
  /** What stays free on the file system. */
  readonly min_free: Amount;
  /** Only with `dir`. */
  readonly shared: boolean;
}

/** One table `[[general.charliecloud.mirror]]`. */
export interface MirrorSettings {
  /** `host[:port][/path]` as image names have it; `docker.io` is Docker Hub. */
  readonly registry: string;
  /** `host[:port][/path]`; the image's whole path follows. */
  readonly mirror: string;
}

export type PullPolicy = "always" | "if-not-present" | "never";

/** `[general.metrics]`. */
export interface MetricsSettings {
  /** As written: `plan/report-files` expands it. */
  readonly textfile?: string;
}

/** `[general.log]`. */
export interface LogSettings {
  /** As written: `plan/report-files` expands it. */
  readonly file?: string;
  readonly syslog: boolean;
}

/** For the executors that submit to a scheduler; durations in seconds. */
export interface BatchSettings {
  readonly arguments_variable: readonly string[];
  readonly default_args: readonly string[];
  readonly allow_illegal_args: boolean;
  readonly scheduler_bin?: string;
  readonly env_vars: readonly string[];
  readonly command_delay: number;
  readonly nfs_timeout: number;
  /** 0: for ever. */
  readonly impossible_after: number;
}

export interface AuthSettings {
  /** Whether the file has an `[auth]` table at all. */
  readonly present: boolean;
  readonly downscope?: string;
}

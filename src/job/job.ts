/**
 * What GitLab asks for: one job, as the driver sees it. Plain data without a secret.
 *
 * Members come from the job payload (`JOB_RESPONSE_FILE`) where the runner gives one, because job
 * variables can override what arrives as `CUSTOM_ENV_*`; `variables` alone is always the user's word.
 */
export interface Job {
  /** CI job id, decimal digits. */
  readonly id: string;
  readonly name: string;
  /** `payload`: decided by JOB_RESPONSE_FILE; `environment`: a runner before 14.1, CUSTOM_ENV_* only. */
  readonly source: "payload" | "environment";
  readonly project: { readonly id: string; readonly name: string };
  /** Seconds the job may take in all. */
  readonly timeout: number;
  readonly image?: JobImage;
  /** Whether the job stores or fetches artifacts, or uses a cache: these stages need `gitlab-runner`. */
  readonly uses: { readonly artifacts: boolean; readonly cache: boolean };
  /** GitLab shows sections of the job log. */
  readonly traceSections: boolean;
  /** Registries for which GitLab gave this job an account (never the password). */
  readonly registries: readonly RegistryAccount[];
  /** The PEM text of the CA that the runner itself uses for its GitLab, not one that a job variable replaced. */
  readonly serverCa?: string;
  /** The runner's concurrent id: a hint only, job variables can override it. */
  readonly concurrentId: number;
  /** Every `CUSTOM_ENV_*`, without the prefix: values as the job's own scripts will see them. Untrusted, may hold secrets. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface JobImage {
  /** As the user wrote it, variables expanded. */
  readonly name: string;
  /** From `image: pull_policy`, in order; empty when the job gives none. */
  readonly pullPolicy: readonly string[];
  /** From `image: entrypoint`; not acted on yet. */
  readonly entrypoint?: readonly string[];
}

export interface RegistryAccount {
  /** `host` or `host:port`, as GitLab writes it. */
  readonly host: string;
  readonly username: string;
  /** Where it was found: `credentials` of the payload, or `CI_REGISTRY`. */
  readonly from: "credentials" | "CI_REGISTRY";
}

/** Account data that leaves this process only in the environment of one `ch-image` call. */
export interface Secrets {
  /** Every value that must not reach a log: tokens, passwords, masked variables. */
  readonly redact: readonly string[];
  /** Password by registry `host[:port]`, for the accounts in `Job.registries`. */
  readonly passwords: Readonly<Record<string, string>>;
}

import { type Directories, shortToken, temporaryProjectDir } from "./directories.ts";
import { encodeServices } from "./job-payload.ts";
import { fullVariable, type JobVariable, type ResolvedJob } from "./job-spec.ts";
import { atLeast, fullVersion } from "./version.ts";

/** A build variable with all its flags. */
export type Variable = Required<JobVariable>;

/** `CI_JOB_STATUS`; it leaves `running` only after the user script. */
export type JobStatus = "running" | "success" | "failed" | "canceled" | "timedout";

/** The part of a build which changes while it runs and shows in its variables. */
export interface BuildState {
  directories: Directories;
  status: JobStatus;
  readonly concurrentId: number;
  readonly concurrentProjectId: number;
}

/** The part of the runner's configuration which shows in the variables of every build. */
export interface RunnerFacts {
  /** For example `"19.4"`. */
  readonly version: string;
  /** The runner's authentication token. */
  readonly token: string;
  /** `environment` of the runner's configuration. */
  readonly environment: Readonly<Record<string, string>>;
  /** PEM text of the server's certificate authority. */
  readonly tlsCaPem: string | undefined;
}

/** Feature flags sent with every job: a choice of those which change scripts or stages. */
const featureFlags: Readonly<Record<string, boolean>> = {
  FF_NETWORK_PER_BUILD: false,
  FF_POSIXLY_CORRECT_ESCAPES: false,
  FF_SCRIPT_SECTIONS: false,
  FF_ENABLE_JOB_CLEANUP: false,
  FF_ENABLE_BASH_EXIT_CODE_CHECK: false,
  FF_USE_NEW_BASH_EVAL_STRATEGY: false,
  FF_USE_LEGACY_BASH_EVAL: false,
  FF_GIT_URLS_WITHOUT_TOKENS: false,
  FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY: true,
};

/**
 * All variables of a build in the runner's order of precedence, expanded.
 *
 * A key may occur more than once: the last one counts. Variables which GitLab sends come after
 * most of the runner's own, so a job can override `CI_JOB_IMAGE`, `CI_PROJECT_DIR` and others.
 */
export function buildVariables(
  job: ResolvedJob,
  state: BuildState,
  runner: RunnerFacts,
): Variable[] {
  const all = [
    ...flagVariables(job.sent),
    ...(job.image === undefined ? [] : [own("CI_JOB_IMAGE", job.image.name)]),
    own("CI_RUNNER_SHORT_TOKEN", shortToken(runner.token, runner.version)),
    ...Object.entries(runner.environment).map(([key, value]) => own(key, value)),
    ...stateVariables(job, state, runner.version),
    ...(runner.tlsCaPem === undefined
      ? []
      : [{ ...own("CI_SERVER_TLS_CA_FILE", runner.tlsCaPem), file: true, raw: true }]),
    ...job.sent.filter(({ key }) => !key.startsWith("FF_")),
    own("CI_SHARED_ENVIRONMENT", "true"),
    own("CI_RUNNER_VERSION", fullVersion(runner.version)),
    own("CI_RUNNER_REVISION", "00000000"),
    own("CI_RUNNER_EXECUTABLE_ARCH", "linux/amd64"),
  ];
  if (atLeast(runner.version, "15.7")) {
    all.push(own("RUNNER_TEMP_PROJECT_DIR", temporaryProjectDir(state.directories)));
  }
  const expand = expander(all, temporaryProjectDir(state.directories));
  const expanded = all.map((one) => (one.raw ? one : { ...one, value: expand(one.value) }));
  const services = encodeServices(job, expand, runner.version);
  return [...expanded, { ...own("CI_JOB_SERVICES", services), raw: true }];
}

/** The last value of a variable, as the runner looks one up. */
export function lastValue(variables: readonly Variable[], key: string): string | undefined {
  return variables.findLast((one) => one.key === key)?.value;
}

/**
 * Makes a function that expands `$NAME` and `${NAME}` once.
 *
 * An unknown name and a shell special like `$1` give nothing, `$$` gives `$`, a dollar sign in
 * front of anything else stays. A file variable expands to the path of its file.
 *
 * @param variables - Unexpanded variables; what a name expands to is not expanded again.
 * @param fileDirectory - Directory of the file variables.
 */
export function expander(
  variables: readonly Variable[],
  fileDirectory: string,
): (text: string) => string {
  const values = new Map(
    variables.map(({ key, value, file }) => [key, file ? `${fileDirectory}/${key}` : value]),
  );
  values.set("$", "$");
  return (text) =>
    text.replace(
      /\$(?:\{([^}]*)\}|(\{)|([A-Za-z_][A-Za-z0-9_]*)|([$*#@!?\-0-9]))/g,
      (_all, braced?: string, _open?: string, name?: string, special?: string) =>
        values.get(braced ?? name ?? special ?? "") ?? "",
    );
}

function own(key: string, value: string): Variable {
  return fullVariable({ key, value });
}

/** Flags which the job sets are taken out of its variables and put in front, resolved. */
function flagVariables(sent: readonly Variable[]): Variable[] {
  return Object.entries(featureFlags).map(([key, standard]) =>
    own(key, String(["true", "1"].includes(lastValue(sent, key) ?? String(standard)))),
  );
}

function stateVariables(job: ResolvedJob, state: BuildState, version: string): Variable[] {
  const variables = [
    own("CI_BUILDS_DIR", state.directories.buildsDir),
    own("CI_PROJECT_DIR", state.directories.projectDir),
    own("CI_CONCURRENT_ID", String(state.concurrentId)),
    own("CI_CONCURRENT_PROJECT_ID", String(state.concurrentProjectId)),
    own("CI_SERVER", "yes"),
    own("CI_JOB_STATUS", state.status),
  ];
  if (atLeast(version, "15.7")) {
    variables.push(own("CI_JOB_TIMEOUT", String(job.timeout)));
  }
  return variables;
}

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename } from "node:path";

/** One CI variable; the flags have GitLab's meaning and default to false (`public`: true). */
export interface JobVariable {
  readonly key: string;
  readonly value: string;
  /** The job sees a path, the hooks see the content. */
  readonly file?: boolean;
  /** Hidden in the job log only; hooks and scripts get the value. */
  readonly masked?: boolean;
  /** No `$NAME` expansion. */
  readonly raw?: boolean;
  readonly public?: boolean;
}

/** `image:` of a job. */
export interface ImageSpec {
  readonly name: string;
  readonly alias?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly pullPolicy?: readonly ("always" | "if-not-present" | "never")[];
  /** `image:docker:user` and `image:docker:platform`. */
  readonly user?: string;
  readonly platform?: string;
}

/** One entry of `services:`. */
export interface ServiceSpec extends ImageSpec {
  readonly variables?: readonly JobVariable[];
}

/** When a cache or an artifact is saved. */
export type SaveWhen = "on_success" | "on_failure" | "always";

/** `artifacts:` of a job; paths are relative to the project directory. */
export interface ArtifactsSpec {
  readonly name?: string;
  readonly paths: readonly string[];
  readonly exclude?: readonly string[];
  readonly untracked?: boolean;
  readonly when?: SaveWhen;
  readonly expireIn?: string;
}

/** `cache:` of a job. */
export interface CacheSpec {
  readonly key: string;
  readonly paths: readonly string[];
  readonly untracked?: boolean;
  readonly policy?: "pull-push" | "pull" | "push";
  readonly when?: SaveWhen;
}

/** Registry login which GitLab sends along with a job. */
export interface Credentials {
  readonly type: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** How `get_sources` fills the project directory. */
export type GitStrategy = "none" | "empty" | "fetch" | "clone";

/** The job as a test writes it; everything except id, name and script has a default. */
export interface JobSpec {
  /** Job id; a bigint for ids beyond 2^53. */
  readonly id: number | bigint;
  readonly name: string;
  readonly stage?: string;
  readonly project?: { readonly id: number; readonly name: string; readonly path: string };
  readonly image?: ImageSpec;
  readonly services?: readonly ServiceSpec[];
  readonly variables?: readonly JobVariable[];
  /** False leaves out every `CI_*` variable which GitLab itself would send. Default true. */
  readonly predefined?: boolean;
  readonly beforeScript?: readonly string[];
  readonly script: readonly string[];
  readonly afterScript?: readonly string[];
  /** Commands of the `release` step, which runs as stage `step_release` after the script. */
  readonly release?: readonly string[];
  readonly artifacts?: ArtifactsSpec;
  readonly cache?: CacheSpec;
  /** Ids of earlier jobs whose artifacts `download_artifacts` fetches. */
  readonly dependencies?: readonly (number | bigint)[];
  readonly credentials?: readonly Credentials[];
  /** Job timeout, seconds. Default 3600. */
  readonly timeout?: number;
  /** Sent as variable `GIT_STRATEGY`. Default: `none` without `repoUrl`, GitLab's default with it. */
  readonly gitStrategy?: GitStrategy;
  /** Value of `git_info.repo_url`; a local directory or URL that git can fetch from. */
  readonly repoUrl?: string;
  /** Branch name. Default `main`. */
  readonly ref?: string;
  /** Commit. Default: the head of `ref` in a local `repoUrl`, else a fixed made-up one. */
  readonly sha?: string;
  /** False makes `clone` the default strategy. Default true. */
  readonly allowGitFetch?: boolean;
}

/** A job specification with the defaults filled in which more than one module needs. */
export interface ResolvedJob extends JobSpec {
  readonly stage: string;
  readonly project: { readonly id: number; readonly name: string; readonly path: string };
  readonly timeout: number;
  readonly repoUrl: string;
  readonly ref: string;
  readonly sha: string;
  readonly allowGitFetch: boolean;
  readonly token: string;
  /** Job variables as GitLab sends them: the predefined ones, then those of the specification. */
  readonly sent: readonly Required<JobVariable>[];
}

const madeUpCommit = "5f0c2d7be1a94c3d8e6f7a8b9c0d1e2f3a4b5c6d";

/** The job token of a job id; the same for a job and for those that depend on it. */
export function jobToken(id: number | bigint): string {
  return `glcbt-64_token-of-${id}`;
}

/** Gives a variable its absent flags. */
export function fullVariable(variable: JobVariable): Required<JobVariable> {
  return { file: false, masked: false, raw: false, public: true, ...variable };
}

/**
 * Fills in the defaults of a job, as GitLab would before it sends the job to a runner.
 *
 * @throws Error when `repoUrl` is a local directory without the wanted branch.
 */
export function resolveJob(spec: JobSpec): ResolvedJob {
  const token = jobToken(spec.id);
  const project = spec.project ?? { id: 31, name: "widget", path: "acme/widget" };
  const ref = spec.ref ?? "main";
  const resolved = {
    ...spec,
    stage: spec.stage ?? "test",
    project,
    timeout: spec.timeout ?? 3600,
    repoUrl: spec.repoUrl ?? `http://gitlab-ci-token:${token}@gitlab.test/${project.path}.git`,
    ref,
    sha: spec.sha ?? headOf(spec.repoUrl, ref),
    allowGitFetch: spec.allowGitFetch ?? true,
    token,
  };
  const strategy = spec.gitStrategy ?? (spec.repoUrl === undefined ? "none" : undefined);
  return { ...resolved, sent: sentVariables(resolved, strategy) };
}

function headOf(repoUrl: string | undefined, ref: string): string {
  const directory = repoUrl?.replace(/^file:\/\//, "");
  if (directory === undefined || !existsSync(directory)) {
    return madeUpCommit;
  }
  const found = spawnSync("git", ["-C", directory, "rev-parse", "--verify", `${ref}^{commit}`], {
    encoding: "utf8",
  });
  if (found.status !== 0) {
    throw new Error(`no branch ${ref} in ${directory}: ${found.stderr}`);
  }
  return found.stdout.trim();
}

function sentVariables(
  job: Omit<ResolvedJob, "sent">,
  strategy: GitStrategy | undefined,
): Required<JobVariable>[] {
  const variables: JobVariable[] = job.predefined === false ? [] : predefinedVariables(job);
  if (strategy !== undefined) {
    variables.push({ key: "GIT_STRATEGY", value: strategy });
  }
  return [...variables, ...(job.variables ?? [])].map(fullVariable);
}

function predefinedVariables(job: Omit<ResolvedJob, "sent">): JobVariable[] {
  const { project } = job;
  const plain: Record<string, string> = {
    CI: "true",
    GITLAB_CI: "true",
    CI_SERVER_URL: "http://gitlab.test",
    CI_SERVER_HOST: "gitlab.test",
    CI_API_V4_URL: "http://gitlab.test/api/v4",
    CI_PIPELINE_ID: "977",
    CI_PIPELINE_SOURCE: "push",
    CI_JOB_ID: String(job.id),
    CI_JOB_NAME: job.name,
    CI_JOB_STAGE: job.stage,
    CI_JOB_URL: `http://gitlab.test/${project.path}/-/jobs/${job.id}`,
    CI_RUNNER_ID: "5",
    CI_RUNNER_TAGS: "[]",
    CI_PROJECT_ID: String(project.id),
    CI_PROJECT_NAME: basename(project.path),
    CI_PROJECT_TITLE: project.name,
    CI_PROJECT_PATH: project.path,
    CI_PROJECT_PATH_SLUG: project.path.toLowerCase().replace(/[^a-z0-9]+/g, "-"),
    CI_PROJECT_NAMESPACE: project.path.split("/").slice(0, -1).join("/"),
    CI_COMMIT_SHA: job.sha,
    CI_COMMIT_SHORT_SHA: job.sha.slice(0, 8),
    CI_COMMIT_REF_NAME: job.ref,
    CI_COMMIT_REF_SLUG: job.ref.toLowerCase().replace(/[^a-z0-9]+/g, "-"),
    CI_COMMIT_BRANCH: job.ref,
    CI_REGISTRY: "registry.test",
    CI_REGISTRY_USER: "gitlab-ci-token",
    GITLAB_USER_LOGIN: "ada",
  };
  const secret: Record<string, string> = {
    CI_JOB_TOKEN: job.token,
    CI_REGISTRY_PASSWORD: job.token,
    CI_REPOSITORY_URL: job.repoUrl,
  };
  return [
    ...Object.entries(plain).map(([key, value]) => ({ key, value })),
    ...Object.entries(secret).map(([key, value]) => ({
      key,
      value,
      public: false,
      masked: key !== "CI_REPOSITORY_URL",
    })),
  ];
}

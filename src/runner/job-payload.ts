import { basename } from "node:path";
import {
  fullVariable,
  type ImageSpec,
  jobToken,
  type ResolvedJob,
  type ServiceSpec,
} from "./job-spec.ts";
import { atLeast } from "./version.ts";

const pipelineId = 977;

/**
 * The content of `JOB_RESPONSE_FILE`: the job payload as gitlab-runner decodes and encodes it
 * again, one line of JSON and a newline.
 *
 * Lists which the job does not set are `null`, as a nil slice of Go is. `variables` are not
 * expanded; names and aliases of image and services are.
 *
 * @param job - The job.
 * @param expand - Expands `$NAME` in a text with the build's variables.
 */
export function encodePayload(job: ResolvedJob, expand: (text: string) => string): string {
  const rest = goJson(jobPayload(job, expand));
  // The id goes in as text: a boot-verify job has one near 2^63, which no JavaScript number holds.
  return `{"id":${job.id},${rest.slice(1)}\n`;
}

/** JSON as Go's encoder writes it: `<`, `>`, `&` and the two line separators are escaped. */
export function goJson(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    typeof part === "string" ? part.toWellFormed() : part,
  ).replace(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * `CI_JOB_SERVICES`: a JSON array, or an empty string for a job without services.
 *
 * @param version - Runner version; the services' variables are listed since 19.0.
 */
export function encodeServices(
  job: ResolvedJob,
  expand: (text: string) => string,
  version: string,
): string {
  if (job.services === undefined || job.services.length === 0) {
    return "";
  }
  return goJson(
    job.services.map((service) => ({
      name: expand(service.name),
      alias: expand(service.alias ?? "").split(/[\s,]+/)[0] ?? "",
      entrypoint: service.entrypoint ?? null,
      command: service.command ?? null,
      variables:
        service.variables && atLeast(version, "19.0")
          ? Object.fromEntries(service.variables.map(({ key, value }) => [key, expand(value)]))
          : undefined,
    })),
  );
}

function jobPayload(job: ResolvedJob, expand: (text: string) => string): Record<string, unknown> {
  return {
    token: job.token,
    allow_git_fetch: job.allowGitFetch,
    job_info: jobInfo(job),
    git_info: gitInfo(job),
    runner_info: { uuid: "", timeout: job.timeout },
    inputs: {},
    variables: job.sent,
    steps: steps(job),
    image: image(job.image ?? { name: "" }, expand),
    services: job.services?.map((service) => image(service, expand)) ?? null,
    artifacts: artifacts(job),
    cache: cache(job),
    credentials: job.credentials ?? null,
    dependencies: dependencies(job),
    features: {
      trace_sections: true,
      token_mask_prefixes: ["glpat-"],
      failure_reasons: [
        "script_failure",
        "runner_system_failure",
        "runner_configuration_error",
        "job_execution_timeout",
        "job_canceled",
      ],
      tracing: null,
    },
    policy_options: { execution_policy_job: false, policy_name: "" },
    suspend_options: {},
  };
}

function jobInfo(job: ResolvedJob): Record<string, unknown> {
  return {
    name: job.name,
    stage: job.stage,
    pipeline_id: pipelineId,
    project_id: job.project.id,
    project_name: basename(job.project.path),
    project_full_path: job.project.path,
    namespace_id: 7,
    root_namespace_id: 7,
    organization_id: 1,
    instance_id: "a1",
    instance_uuid: "0f2c",
    user_id: 12,
    time_in_queue_seconds: 1.75,
    project_jobs_running_on_instance_runners_count: "0",
    queue_size: 1,
    queue_depth: 1,
  };
}

function gitInfo(job: ResolvedJob): Record<string, unknown> {
  return {
    repo_url: job.repoUrl,
    repo_object_format: "sha1",
    ref: job.ref,
    sha: job.sha,
    before_sha: "0".repeat(40),
    ref_type: "branch",
    refspecs: refspecs(job),
    depth: 20,
    protected: true,
  };
}

/** What `get_sources` fetches: the commit under a pipeline ref, and the branch. */
export function refspecs(job: ResolvedJob): string[] {
  return [
    `+${job.sha}:refs/pipelines/${pipelineId}`,
    `+refs/heads/${job.ref}:refs/remotes/origin/${job.ref}`,
  ];
}

function steps(job: ResolvedJob): Record<string, unknown>[] {
  const step = (name: string, script: readonly string[], when: string, allowFailure: boolean) => ({
    name,
    script,
    timeout: job.timeout,
    when,
    allow_failure: allowFailure,
  });
  // GitLab joins before_script and script into one step.
  const list = [step("script", [...(job.beforeScript ?? []), ...job.script], "on_success", false)];
  if (job.release !== undefined) {
    list.push(step("release", job.release, "on_success", false));
  }
  if (job.afterScript !== undefined) {
    list.push(step("after_script", job.afterScript, "always", true));
  }
  return list;
}

function image(
  spec: ImageSpec & Pick<ServiceSpec, "variables">,
  expand: (text: string) => string,
): Record<string, unknown> {
  return {
    name: expand(spec.name),
    alias: spec.alias ? expand(spec.alias) : undefined,
    command: spec.command,
    entrypoint: spec.entrypoint,
    variables: spec.variables?.map(fullVariable),
    pull_policy: spec.pullPolicy,
    executor_opts: {
      docker: { platform: spec.platform ?? "", user: spec.user ?? "" },
      kubernetes: { user: "" },
    },
  };
}

function artifacts(job: ResolvedJob): Record<string, unknown>[] | null {
  const spec = job.artifacts;
  if (spec === undefined) {
    return null;
  }
  return [
    {
      name: spec.name ?? "",
      untracked: spec.untracked ?? false,
      paths: spec.paths,
      exclude: spec.exclude ?? null,
      when: spec.when ?? "on_success",
      artifact_type: "archive",
      artifact_format: "zip",
      expire_in: spec.expireIn ?? "",
    },
  ];
}

function cache(job: ResolvedJob): Record<string, unknown>[] | null {
  const spec = job.cache;
  if (spec === undefined) {
    return null;
  }
  return [
    {
      key: spec.key,
      untracked: spec.untracked ?? false,
      policy: spec.policy ?? "pull-push",
      paths: spec.paths,
      when: spec.when ?? "on_success",
      fallback_keys: [],
    },
  ];
}

function dependencies(job: ResolvedJob): Record<string, unknown>[] | null {
  return (
    job.dependencies?.map((id) => ({
      id: Number(id),
      token: jobToken(id),
      name: `job ${id}`,
      artifacts_file: { filename: "artifacts.zip", size: 10240 },
    })) ?? null
  );
}

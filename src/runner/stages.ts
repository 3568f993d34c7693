import type { ResolvedJob, SaveWhen } from "./job-spec.ts";
import { lastValue, type Variable } from "./variables.ts";
import { atLeast } from "./version.ts";

/** One `run_exec` call of a job. */
export type Stage =
  | PlainStage<"prepare_script">
  | PlainStage<"get_sources">
  | PlainStage<"clear_worktree">
  | PlainStage<"restore_cache">
  | PlainStage<"download_artifacts">
  | ScriptStage<"step">
  | ScriptStage<"after_script">
  | PlainStage<"archive_cache">
  | PlainStage<"upload_artifacts">
  | PlainStage<"cleanup_file_variables">;

interface PlainStage<K extends string> {
  readonly kind: K;
  /** The second argument of `run_exec`. */
  readonly name: string;
  /** Section title in the job log. */
  readonly heading: string;
}

interface ScriptStage<K extends string> extends PlainStage<K> {
  readonly script: readonly string[];
}

/** First stage; its failure ends the job without any further stage. */
export const prepareScript: Stage = {
  kind: "prepare_script",
  name: "prepare_script",
  heading: "Preparing environment",
};

/** Runs between the first and the second try of `get_sources`, since 16.9. */
export const clearWorktree: Stage = {
  kind: "clear_worktree",
  name: "clear_worktree",
  heading: "Deleting all tracked and untracked files due to source fetch failure",
};

/** A stage that is tried again when it fails, and how often it is tried altogether. */
export interface RetriedStage {
  readonly stage: Stage;
  readonly tries: number;
}

/**
 * The stages between `prepare_script` and the user script, without those a job has no use for.
 *
 * Tries come from the job's variables `GET_SOURCES_ATTEMPTS` and the like; a value outside 1…10
 * means 1.
 */
export function sourceStages(job: ResolvedJob, variables: readonly Variable[]): RetriedStage[] {
  const list: RetriedStage[] = [
    retried("get_sources", "Getting source from Git repository", "GET_SOURCES_ATTEMPTS"),
  ];
  if (hasCache(job) && job.cache?.policy !== "push") {
    list.push(retried("restore_cache", "Restoring cache", "RESTORE_CACHE_ATTEMPTS"));
  }
  if ((job.dependencies ?? []).length > 0) {
    list.push(retried("download_artifacts", "Downloading artifacts", "ARTIFACT_DOWNLOAD_ATTEMPTS"));
  }
  return list;

  function retried(
    kind: "get_sources" | "restore_cache" | "download_artifacts",
    heading: string,
    variable: string,
  ): RetriedStage {
    const asked = Number(lastValue(variables, variable) ?? "1");
    const tries = Number.isInteger(asked) && asked >= 1 && asked <= 10 ? asked : 1;
    return { stage: { kind, name: kind, heading }, tries };
  }
}

/**
 * The user's stages. The step named `script` is `step_script` inside the runner, and is handed to
 * a custom executor as `build_script`; other steps keep their `step_` name.
 */
export function stepStages(job: ResolvedJob): Stage[] {
  const heading = (name: string) => `Executing "${name}" stage of the job script`;
  const script: Stage = {
    kind: "step",
    name: "build_script",
    heading: heading("step_script"),
    script: [...(job.beforeScript ?? []), ...job.script],
  };
  if (job.release === undefined) {
    return [script];
  }
  const name = "step_release";
  return [script, { kind: "step", name, heading: heading(name), script: job.release }];
}

/** `after_script`, or undefined for a job without one. */
export function afterScriptStage(job: ResolvedJob): Stage | undefined {
  const script = job.afterScript ?? [];
  return script.length === 0
    ? undefined
    : { kind: "after_script", name: "after_script", heading: "Running after_script", script };
}

/** The stage that saves the cache after a good or a bad script, if the job wants that. */
export function archiveCacheStage(job: ResolvedJob, succeeded: boolean): Stage | undefined {
  if (!hasCache(job) || job.cache?.policy === "pull" || !wanted(job.cache?.when, succeeded)) {
    return undefined;
  }
  return {
    kind: "archive_cache",
    name: succeeded ? "archive_cache" : "archive_cache_on_failure",
    heading: `Saving cache for ${succeeded ? "successful" : "failed"} job`,
  };
}

/** The stage that uploads artifacts after a good or a bad script, if the job wants that. */
export function uploadStage(job: ResolvedJob, succeeded: boolean): Stage | undefined {
  if (job.artifacts === undefined || !wanted(job.artifacts.when, succeeded)) {
    return undefined;
  }
  return {
    kind: "upload_artifacts",
    name: `upload_artifacts_on_${succeeded ? "success" : "failure"}`,
    heading: `Uploading artifacts for ${succeeded ? "successful" : "failed"} job`,
  };
}

/** `cleanup_file_variables`; before 17.7 only for jobs which have something to clean up. */
export function cleanupStage(variables: readonly Variable[], version: string): Stage | undefined {
  const needed =
    atLeast(version, "17.7") ||
    variables.some(({ file }) => file) ||
    lastValue(variables, "FF_ENABLE_JOB_CLEANUP") === "true";
  if (!needed) {
    return undefined;
  }
  return {
    kind: "cleanup_file_variables",
    name: "cleanup_file_variables",
    heading: "Cleaning up project directory and file based variables",
  };
}

function hasCache(job: ResolvedJob): boolean {
  return job.cache !== undefined && (job.cache.paths.length > 0 || job.cache.untracked === true);
}

function wanted(condition: SaveWhen | undefined, succeeded: boolean): boolean {
  const effective = condition ?? "on_success";
  return effective === "always" || effective === (succeeded ? "on_success" : "on_failure");
}

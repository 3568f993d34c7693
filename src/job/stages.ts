/** `step`: the user's script. `after`: `after_script`. `helper`: what the runner itself does (Git, cache, artifacts). */
export type StageKind = "step" | "after" | "helper";

export interface Stage {
  /** The argument that the runner gives to `run`. */
  readonly name: string;
  readonly kind: StageKind;
}

/** Every stage that a runner from 14 to 19 is known to ask for, in the order of a job. */
export const KNOWN_STAGES: readonly Stage[] = [
  { name: "prepare_script", kind: "helper" },
  { name: "get_sources", kind: "helper" },
  { name: "clear_worktree", kind: "helper" },
  { name: "restore_cache", kind: "helper" },
  { name: "download_artifacts", kind: "helper" },
  { name: "build_script", kind: "step" },
  { name: "step_script", kind: "step" },
  { name: "step_release", kind: "step" },
  { name: "after_script", kind: "after" },
  { name: "archive_cache", kind: "helper" },
  { name: "archive_cache_on_failure", kind: "helper" },
  { name: "upload_artifacts_on_success", kind: "helper" },
  { name: "upload_artifacts_on_failure", kind: "helper" },
  { name: "cleanup_file_variables", kind: "helper" },
];

/** Sorts any stage name, unknown ones included: a runner of tomorrow must not fail here. */
export function stageKind(stage: string): StageKind {
  if (stage === "build_script" || stage.startsWith("step_")) {
    return "step";
  }
  return stage === "after_script" ? "after" : "helper";
}

/** Whether the stage's script calls `gitlab-runner` to fetch or send artifacts. */
export function isArtifactStage(stage: string): boolean {
  return stage === "download_artifacts" || stage.startsWith("upload_artifacts_on_");
}

/** Whether the stage is the user's script (before_script and script): with a scheduler, that is the batch job. */
export function isBatchStage(stage: string): boolean {
  return stage === "build_script" || stage === "step_script";
}

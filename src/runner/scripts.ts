import { temporaryProjectDir } from "./directories.ts";
import { defaultFrame, frameScript, quote } from "./quoting.ts";
import {
  archiveCacheLines,
  downloadLines,
  restoreCacheLines,
  uploadLines,
} from "./script-archives.ts";
import { clearWorktreeLines, getSourcesLines } from "./script-git.ts";
import {
  command,
  enterProject,
  exportLines,
  exportOnlyLines,
  isOn,
  type ScriptContext,
  say,
} from "./script-lines.ts";
import type { Stage } from "./stages.ts";
import { expander } from "./variables.ts";
import { atLeast } from "./version.ts";

/**
 * The script of a stage, complete and self-contained: it exports all variables, changes into the
 * project directory, and needs neither its own path nor any variable of the driver.
 */
export function stageScript(stage: Stage, context: ScriptContext): string {
  const frame =
    context.frame ??
    defaultFrame(context.version, {
      legacyEval: isOn(context, "FF_USE_LEGACY_BASH_EVAL"),
      newEval: isOn(context, "FF_USE_NEW_BASH_EVAL_STRATEGY"),
    });
  return frameScript(`${stageLines(stage, context).join("\n")}\n`, {
    frame,
    shell: context.shell,
    version: context.version,
    trace: isOn(context, "CI_DEBUG_TRACE"),
  });
}

function stageLines(stage: Stage, context: ScriptContext): string[] {
  const inProject = [...exportLines(context), enterProject(context)];
  switch (stage.kind) {
    case "prepare_script":
      return prepareLines(context);
    case "get_sources":
      return [...exportLines(context), ...getSourcesLines(context)];
    case "clear_worktree":
      return clearWorktreeLines(context);
    case "restore_cache":
      return [...inProject, ...restoreCacheLines(context)];
    case "download_artifacts":
      return [...inProject, ...downloadLines(context)];
    case "step":
      return [...inProject, ...stepScript(stage, context).flatMap(userLines)];
    case "after_script":
      return [...inProject, say("Running after script..."), ...stage.script.flatMap(userLines)];
    case "archive_cache":
      return [...inProject, ...archiveCacheLines(context)];
    case "upload_artifacts":
      return [...inProject, ...uploadLines(context)];
    case "cleanup_file_variables":
      return cleanupLines(context);
  }
}

/** The lines of a step; those of a release are expanded by the runner and not only by the shell. */
function stepScript(
  stage: Extract<Stage, { kind: "step" }>,
  context: ScriptContext,
): readonly string[] {
  const expand = expander(context.variables, temporaryProjectDir(context.directories));
  return stage.name === "step_release" ? stage.script.map(expand) : stage.script;
}

/** A user's command, announced; only the first line of a longer one is shown. */
function userLines(line: string): string[] {
  const [first = "", ...more] = line.split("\n");
  return [say(`$ ${first}${more.length > 0 ? " # collapsed multi-line command" : ""}`), line];
}

function prepareLines(context: ScriptContext): string[] {
  const via = context.hostname === "" ? "" : ` via ${context.hostname}`;
  // In double quotes as in the runner: a hostname with a dollar sign is expanded by the shell.
  const running = `echo "Running on $(hostname)${via}..."`;
  if (!atLeast(context.version, "17.7")) {
    return [running];
  }
  return [running, command("rm", "-f", ...temporaryFiles(context))];
}

function cleanupLines(context: ScriptContext): string[] {
  const directory = temporaryProjectDir(context.directories);
  const files = context.variables
    .filter(({ file }) => file)
    .map(({ key }) => `${directory}/${key}`);
  const project = context.directories.projectDir;
  const cleanup = isOn(context, "FF_ENABLE_JOB_CLEANUP")
    ? [`(cd ${quote(project)} && git clean -ffdx && git reset --hard) || true`]
    : [];
  return [
    ...(atLeast(context.version, "19.3") ? exportOnlyLines(context) : []),
    command("rm", "-f", ...temporaryFiles(context), ...files),
    ...cleanup,
    command("rm", "-f", `${context.directories.buildsDir}/.gitlab-build-uid-gid`),
  ];
}

function temporaryFiles(context: ScriptContext): string[] {
  const directory = temporaryProjectDir(context.directories);
  return [`${directory}/gitlab_runner_env`, `${directory}/masking.db`];
}

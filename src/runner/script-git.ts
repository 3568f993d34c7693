import { temporaryProjectDir } from "./directories.ts";
import { refspecs } from "./job-payload.ts";
import type { GitStrategy } from "./job-spec.ts";
import { quote } from "./quoting.ts";
import {
  command,
  enterProject,
  handOverLines,
  type ScriptContext,
  say,
  when,
} from "./script-lines.ts";
import { lastValue, type Variable } from "./variables.ts";
import { atLeast } from "./version.ts";

/** `GIT_STRATEGY`, or what GitLab's permission to fetch leads to. */
export function gitStrategy(variables: readonly Variable[], allowGitFetch: boolean): GitStrategy {
  const asked = lastValue(variables, "GIT_STRATEGY");
  if (asked === "none" || asked === "empty" || asked === "fetch" || asked === "clone") {
    return asked;
  }
  return allowGitFetch ? "fetch" : "clone";
}

/** Body of `get_sources` after the exports. */
export function getSourcesLines(context: ScriptContext): string[] {
  const project = context.directories.projectDir;
  const strategy = gitStrategy(context.variables, context.job.allowGitFetch);
  const handOver = handOverLines(context, project);
  const skipped = [
    say("Skipping Git repository setup"),
    say("Skipping Git checkout"),
    say("Skipping Git submodules setup"),
  ];
  switch (strategy) {
    case "none":
      return [command("mkdir", "-p", project), ...skipped, ...handOver];
    case "empty":
      return [
        command("rm", "-r", "-f", project),
        command("mkdir", "-p", project),
        ...skipped,
        ...handOver,
      ];
    case "clone":
      return [
        ...when(`[ -d ${quote(project)} ]`, [command("chmod", "-R", "u+rwX", project)]),
        command("rm", "-r", "-f", project),
        ...fetchLines(context),
        ...handOver,
      ];
    case "fetch":
      return [...fetchLines(context), ...handOver];
  }
}

/** Body of `clear_worktree`, which runs between the first two tries of `get_sources`. */
export function clearWorktreeLines(context: ScriptContext): string[] {
  return when(`[ -d ${quote(context.directories.projectDir)} ]`, [
    enterProject(context),
    "git rm -rf --ignore-unmatch --quiet .",
    "git clean -ffdx -q",
  ]);
}

function fetchLines(context: ScriptContext): string[] {
  const { job, directories } = context;
  const template = `${temporaryProjectDir(directories)}/git-template`;
  const setting = (name: string, value: string) =>
    command("git", "config", "-f", `${template}/config`, name, value);
  const origin = job.repoUrl.replace(/^(https?:\/\/)[^/@]*@/, "$1");
  return [
    "export GIT_TERMINAL_PROMPT=0",
    "export GCM_INTERACTIVE=Never",
    say("Fetching changes with git depth set to 20..."),
    ...staleFileLines(context),
    command("mkdir", "-p", template),
    setting("init.defaultBranch", "none"),
    setting("fetch.recurseSubmodules", "false"),
    setting("credential.interactive", "never"),
    setting("gc.autoDetach", "false"),
    command("git", "init", directories.projectDir, "--template", template),
    enterProject(context),
    ...when(
      `${command("git", "remote", "add", "origin", origin)} > /dev/null 2>&1`,
      [say("Created fresh repository.")],
      [command("git", "remote", "set-url", "origin", origin)],
    ),
    command(
      ...["git", "-c", `http.userAgent=gitlab-runner ${context.version}.0 linux/amd64`],
      ...["fetch", "origin", "--no-recurse-submodules", ...refspecs(job)],
      ...["--depth", "20", "--prune", "--quiet"],
    ),
    say(`Checking out ${job.sha.slice(0, 8)} as detached HEAD (ref is ${job.ref})...`),
    command("git", "-c", "submodule.recurse=false", "checkout", "-f", "-q", job.sha),
    command("git", "clean", "-ffdx"),
    say("Skipping Git submodules setup"),
  ];
}

/** Locks of a git that died, and since 17.11 anything an earlier job may have planted. */
function staleFileLines(context: ScriptContext): string[] {
  const git = `${context.directories.projectDir}/.git`;
  const locks = ["index.lock", "shallow.lock", "HEAD.lock", "config.lock", "hooks/post-checkout"];
  const cleaned = [
    command("rm", "-f", `${git}/config`),
    command(
      "rm",
      "-r",
      "-f",
      `${git}/hooks`,
      `${temporaryProjectDir(context.directories)}/git-template`,
    ),
  ];
  return [
    command("rm", "-f", ...locks.map((name) => `${git}/${name}`)),
    ...when(`[ -d ${quote(`${git}/refs`)} ]`, [
      command("find", `${git}/refs`, "-type", "f", "-name", "*.lock", "-delete"),
    ]),
    ...(atLeast(context.version, "17.11") ? cleaned : []),
  ];
}

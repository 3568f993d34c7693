import { join } from "node:path";
import { type Directories, temporaryProjectDir } from "./directories.ts";
import type { ResolvedJob } from "./job-spec.ts";
import { ansiQuote, quote, type ScriptFrame, type ScriptShell } from "./quoting.ts";
import { lastValue, type Variable } from "./variables.ts";
import { atLeast } from "./version.ts";

/** Everything a generated script depends on. */
export interface ScriptContext {
  readonly job: ResolvedJob;
  /** Expanded build variables at the time of the stage. */
  readonly variables: readonly Variable[];
  readonly directories: Directories;
  /** `hostname` of the `config_exec` output, or an empty string. */
  readonly hostname: string;
  readonly version: string;
  /** Undefined means the frame this version and the job's feature flags lead to. */
  readonly frame: ScriptFrame | undefined;
  readonly shell: ScriptShell;
  /** Name or path of the program that moves caches and artifacts. */
  readonly gitlabRunner: string;
  /** Directory in which the stand-in for `gitlab-runner` keeps archives. */
  readonly store: string;
}

/** Whether a variable of the job is `true` or `1`. */
export function isOn(context: ScriptContext, key: string): boolean {
  return ["true", "1"].includes(lastValue(context.variables, key) ?? "");
}

/** A line that prints a text, in green as the runner prints commands and its own remarks. */
export function say(text: string): string {
  return `echo ${ansiQuote(`\x1b[32;1m${text}\x1b[0;m`)}`;
}

/** A command line from plain words. */
export function command(...words: string[]): string {
  return words.map(quote).join(" ");
}

/** Lines in an `if`, for a shell condition. */
export function when(condition: string, then: readonly string[], otherwise?: readonly string[]) {
  const alternative = otherwise === undefined ? [] : ["else", ...otherwise.map(indent)];
  return [`if ${condition}; then`, ...then.map(indent), ...alternative, "fi"];
}

/**
 * The start of most scripts: every build variable, the files of file variables, and what earlier
 * stages appended to `GITLAB_ENV`. The job's environment comes from here and not from the driver.
 */
export function exportLines(context: ScriptContext): string[] {
  const directory = temporaryProjectDir(context.directories);
  return [
    ...context.variables.flatMap((variable) => exportLine(variable, directory, true)),
    ...(atLeast(context.version, "16.4") ? gitlabEnvLines(directory) : []),
  ];
}

/** The exports of `cleanup_file_variables`, which name the files without writing them again. */
export function exportOnlyLines(context: ScriptContext): string[] {
  const directory = temporaryProjectDir(context.directories);
  return context.variables.flatMap((variable) => exportLine(variable, directory, false));
}

/** Changes into the project directory. */
export function enterProject(context: ScriptContext): string {
  return command("cd", context.directories.projectDir);
}

/**
 * Gives a directory to the owner of `<builds_dir>/.gitlab-build-uid-gid`, if there is such a file:
 * how a driver asks for other owners than the user of the helper stages. Since 17.11.
 */
export function handOverLines(context: ScriptContext, directory: string): string[] {
  if (!atLeast(context.version, "17.11")) {
    return [];
  }
  const marker = quote(join(context.directories.buildsDir, ".gitlab-build-uid-gid"));
  return when(`[ -e ${marker} ]`, [`chown -R "$(stat -c %u:%g ${marker})" ${quote(directory)}`]);
}

function exportLine(variable: Variable, directory: string, writeFile: boolean): string[] {
  if (variable.key === "CI_JOB_SERVICES") {
    return [];
  }
  if (!variable.file) {
    return [`export ${quote(variable.key)}=${ansiQuote(variable.value)}`];
  }
  const path = quote(`${directory}/${variable.key}`);
  const write = [
    command("mkdir", "-p", directory),
    `printf %s ${ansiQuote(variable.value)} > ${path}`,
  ];
  return [...(writeFile ? write : []), `export ${quote(variable.key)}=${path}`];
}

function gitlabEnvLines(directory: string): string[] {
  return [
    `export GITLAB_ENV=${quote(`${directory}/gitlab_runner_env`)}`,
    command("mkdir", "-p", directory),
    'touch "$GITLAB_ENV"',
    'while IFS= read -r line || [ -n "$line" ]; do',
    '  export "$line" || true',
    'done < "$GITLAB_ENV"',
  ];
}

function indent(line: string): string {
  return `  ${line}`;
}

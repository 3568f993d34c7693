import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { SystemFailure } from "../../host/failure.ts";
import { errorMessage } from "../../host/files.ts";
import { runCommand } from "../../host/process.ts";
import { registerSecrets, writeLine } from "../../host/redact.ts";
import { removeTree } from "../../host/remove-tree.ts";
import { currentUser } from "../../host/user.ts";
import type { JobSpec, JobVariable } from "../../runner/job-spec.ts";
import { installGitlabRunner, Runner } from "../../runner/runner.ts";
import type { JobResult } from "../../runner/types.ts";
import { FileMistake } from "../../runner/yaml-file.ts";
import { type Environment, TRY_VARIABLE } from "../hook.ts";
import { optionValues } from "../options.ts";
import { interruptions } from "./interruptions.ts";
import { logView } from "./log-view.ts";
import { exitStatus, timeTable, verdict } from "./report.ts";
import { borrowRepository, type Repository } from "./repository.ts";
import { readRequest, type TryRequest } from "./request.ts";
import { chooseSite, type TrySite, watchLeftovers } from "./site.ts";
import { type TriedJob, triedJob } from "./tried-job.ts";

/** It would run in a directory that is removed with the tried job. */
const NO_REPRODUCER: JobVariable = { key: "JACAMAR_CI_REPRODUCER", value: "false" };

/** What cannot even be tried: the command line, the file, the configuration. */
const NOT_TRIED = 2;

/** What a service of the system has in its PATH. */
const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

export interface TryInput {
  readonly args: Readonly<Record<string, unknown>>;
  /** The words after `try`, up to `--`. */
  readonly words: readonly string[];
  /** Those after it. */
  readonly command: readonly string[] | undefined;
  readonly env: Environment;
}

/**
 * Runs one job through the hooks of this very program, as gitlab-runner would. The job's log goes to stdout, all else
 * to stderr.
 *
 * @returns the exit status: the script's own; 1 refused, 2 system failure or nothing to run, 130 after Ctrl-C.
 */
export async function tryJob(input: TryInput): Promise<number> {
  const { args, words, command, env } = input;
  const text = (name: string) => (args[name] === undefined ? undefined : String(args[name]));
  const reading = readRequest({
    flags: {
      configuration: text("configuration"),
      image: text("image"),
      job: text("job"),
      file: text("file"),
      git: args["git"] !== false,
    },
    variables: optionValues(words, "--variable"),
    command,
    env,
  });
  if (!reading.ok) return complain(reading.message);
  let directory = "";
  try {
    directory = mkdtempSync(`${resolve(tmpdir())}/jacamar-try-`);
    return await tryIn(directory, reading.request, env);
  } catch (error) {
    // A configuration's problems are several lines.
    if (error instanceof SystemFailure || error instanceof FileMistake)
      return complain(error.message);
    if (error instanceof Error && "syscall" in error)
      return complain(`try: ${errorMessage(error)}`);
    throw error;
  } finally {
    if (directory !== "") removeTree(directory);
  }
}

async function tryIn(directory: string, request: TryRequest, env: Environment): Promise<number> {
  const user = currentUser(env);
  const tried = triedJob(request, process.cwd());
  const site = await chooseSite(request.configuration, directory);
  const stop = interruptions(say);
  try {
    const repository = request.git ? await repositoryFor(site, directory, env) : undefined;
    const spec = specOf(tried, repository, request);
    announce(site, tried, spec);
    const values = (spec.variables ?? []).map(({ key, value }) => [key, value] as const);
    const leftovers = watchLeftovers(
      site.settings,
      user,
      projectOf(spec),
      Object.fromEntries(values),
    );
    const view = logView(process.stdout.isTTY === true, (line) => writeLine(1, line));
    try {
      const runner = runnerFor(directory, site.file, user, env, view.add);
      const result = await runner.run(spec, { cancelOn: stop.cancel, abortOn: stop.abort });
      view.end();
      await report(result, spec, directory, leftovers.kept);
      return exitStatus(result, stop.received());
    } finally {
      leftovers.remove();
    }
  } finally {
    stop.end();
  }
}

async function repositoryFor(
  site: TrySite,
  directory: string,
  env: Environment,
): Promise<Repository | undefined> {
  const image = site.settings.charliecloud.runner_image;
  if (image !== undefined) {
    say(`no repository: Git runs in runner_image ${image}, which cannot see a local one`);
    return undefined;
  }
  const found = await borrowRepository(process.cwd(), `${directory}/repository`, env);
  if ("nothing" in found) {
    say(`no repository: ${found.nothing}; the job starts with an empty directory`);
    return undefined;
  }
  const commit = `${found.sha.slice(0, 8)} of ${found.ref}`;
  say(`repository: ${commit}${found.isDirty ? "; uncommitted changes are not included" : ""}`);
  return found;
}

/** The job with what GitLab would add. Its project is nobody else's, so that all of it can be removed. */
function specOf(tried: TriedJob, repository: Repository | undefined, request: TryRequest): JobSpec {
  const random = () => 1_000_000_000 + Math.floor(Math.random() * 1_000_000_000);
  const name = repository?.name ?? "try";
  const variables = [NO_REPRODUCER, ...(tried.job.variables ?? []), ...request.variables];
  registerSecrets(variables.filter(({ masked }) => masked).map(({ value }) => value));
  return {
    ...tried.job,
    id: random(),
    project: { id: random(), name, path: `try/${name}` },
    variables,
    ...(repository && { repoUrl: repository.url, ref: repository.ref, sha: repository.sha }),
  };
}

function projectOf(spec: JobSpec): { readonly id: number; readonly name: string } {
  return spec.project ?? { id: 0, name: "" };
}

function announce(site: TrySite, tried: TriedJob, spec: JobSpec): void {
  say(`configuration: ${site.description}`);
  for (const warning of site.warnings) say(`warning: ${warning}`);
  const { downscope } = site.settings.auth;
  if (downscope !== undefined && downscope !== "none")
    say(`[auth] downscope = "${downscope}" is not acted on: the job runs as you`);
  if (spec.artifacts && site.settings.charliecloud.runner_image)
    say("artifacts are not packed: their stage runs in runner_image, which cannot see this host");
  for (const line of tried.ignored) say(`ignored ${line}`);
}

function runnerFor(
  directory: string,
  configuration: string,
  user: { readonly name: string; readonly home: string },
  env: Environment,
  onLog: (text: string) => void,
): Runner {
  const hook = [process.execPath, "--no-auth"];
  const file = ["--configuration", resolve(configuration)];
  const bin = `${directory}/bin`;
  const inherited = ["LANG", "TZ", "XDG_RUNTIME_DIR"].flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return new Runner({
    driver: {
      config: [...hook, "config", ...file],
      prepare: [...hook, "prepare"],
      run: [...hook, "run"],
      cleanup: [...hook, "cleanup", ...file],
    },
    // What a service would have: not the shell's own, which no job on a runner sees.
    env: {
      [TRY_VARIABLE]: "true",
      ...Object.fromEntries(inherited),
      HOME: user.home,
      USER: user.name,
      LOGNAME: user.name,
      PATH: `${bin}:${SYSTEM_PATH}`,
    },
    tmpRoot: `${directory}/tmp`,
    store: `${directory}/store`,
    gitlabRunner: installGitlabRunner(bin),
    onLog,
  });
}

async function report(
  result: JobResult,
  spec: JobSpec,
  directory: string,
  kept: string | undefined,
): Promise<void> {
  writeLine(2, "");
  for (const line of timeTable(result)) writeLine(2, line);
  if (spec.artifacts) say(await artifactsLine(`${directory}/store/artifacts/${spec.id}.tar`));
  if (kept !== undefined) say(`scripts are kept in ${kept}, as retain_logs wants`);
  say(verdict(result));
}

async function artifactsLine(archive: string): Promise<string> {
  const env = { PATH: SYSTEM_PATH };
  const list = await runCommand(["tar", "-tf", archive], { env });
  const files = list.status === 0 ? list.stdout.trim().split("\n") : [];
  if (files.length === 0) return "artifacts: none would be uploaded";
  const shown = files.slice(0, 10).join(", ");
  const more = files.length > 10 ? ` and ${files.length - 10} more` : "";
  return `artifacts: ${files.length} file${files.length === 1 ? "" : "s"} would be uploaded: ${shown}${more}`;
}

function say(message: string): void {
  for (const line of message.split("\n")) writeLine(2, `jacamar try: ${line}`);
}

function complain(message: string): number {
  for (const line of message.split("\n")) writeLine(2, `jacamar: error: ${line}`);
  return NOT_TRIED;
}

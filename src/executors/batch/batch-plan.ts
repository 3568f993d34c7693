import { entryPath, recordPath } from "../../bash/entry-path.ts";
import type { BatchJobProgram } from "../../bash/templates.ts";
import type { Job } from "../../job/job.ts";
import { accept, type Decision, refuse, type Verdict } from "../../plan/decision.ts";
import { splitWords } from "../../plan/words.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Facts } from "../facts.ts";
import type { BatchCommand } from "./batch-command.ts";
import type { Scheduler, Submission } from "./scheduler.ts";

/** How the user's script goes through a scheduler; plain data, no secret. */
export interface BatchPlan {
  readonly scheduler: Scheduler["name"];
  /** The scheduler's, where the submission depends on it; else empty. */
  readonly version: string;
  /** The variable that gives the user's arguments, and its text; empty when none is set. */
  readonly arguments: Decision<string>;
  /** Checked: the administrator's, then the user's. */
  readonly words: readonly string[];
  /** The submission, with `ciNAME` for the unique name. */
  readonly submit: readonly string[];
  /** What runs on the node, with `NONCE` and `UMASK` for what is known only in `run`. */
  readonly program: BatchJobProgram;
  readonly files: SpoolFiles;
  /** Seconds. */
  readonly times: {
    readonly commandDelay: number;
    readonly nfsTimeout: number;
    readonly impossibleAfter: number;
  };
}

/** Files of one batch job, in a directory of its own that node and runner host both see. */
export interface SpoolFiles {
  readonly directory: string;
  readonly wrapper: string;
  readonly output: string;
  /** Variables that the job starts with, besides the scheduler's. */
  readonly environment: string;
  /** The script's own result, written by the wrapper. */
  readonly marker: string;
  /** One line for each start of the wrapper. */
  readonly started: string;
}

export function spoolFiles(scripts: string): SpoolFiles {
  const directory = `${scripts}/batch`;
  return {
    directory,
    wrapper: `${directory}/job.bash`,
    output: `${directory}/output`,
    environment: `${directory}/environment`,
    marker: `${directory}/result`,
    started: `${directory}/started`,
  };
}

export interface BatchInput {
  readonly settings: Pick<Settings, "batch">;
  readonly job: Pick<Job, "variables">;
  readonly directories: { readonly scripts: string; readonly builds: string };
  readonly scheduler: Scheduler;
  readonly facts: Pick<Facts, "shell" | "scheduler">;
  readonly inner: BatchCommand;
}

/** gitlab-runner's name for the user's script where a job has no named steps. */
const STAGE = "build_script";
/** Below the time that schedulers give a job between TERM and KILL. */
const KILL_GRACE_MILLISECONDS = 3000;
const DEFAULT_ARGS = "[batch] default_args";

export function planBatch(input: BatchInput): Verdict<BatchPlan> {
  const { settings, directories, scheduler, facts } = input;
  const { batch } = settings;
  const found = facts.scheduler;
  if (found === undefined) throw new Error(`${scheduler.title} was not looked up`);
  if (!found.programs.ok) return found.programs;
  const planned = planArguments(input);
  if (!planned.ok) return planned;
  const { chosen, words } = planned.value;
  const files = spoolFiles(directories.scripts);
  const { version } = found;
  const program = programOf(input, files);
  return accept({
    scheduler: scheduler.name,
    version,
    arguments: chosen,
    words,
    submit: scheduler.submit(submissionOf({ words, files, program, version }, "ciNAME")).argv,
    program,
    files,
    times: {
      commandDelay: batch.command_delay,
      nfsTimeout: batch.nfs_timeout,
      impossibleAfter: batch.impossible_after,
    },
  });
}

/** The words for the submission, checked: the administrator's, then the job's. */
export function planArguments(
  input: Pick<BatchInput, "settings" | "job" | "scheduler">,
): Verdict<{ readonly chosen: Decision<string>; readonly words: readonly string[] }> {
  const { settings, scheduler } = input;
  const { default_args, allow_illegal_args: allowIllegal } = settings.batch;
  const chosen = chooseArguments(input);
  const admin = splitAll(default_args);
  if (!admin.ok) return refuse("admin", `${DEFAULT_ARGS}: ${admin.message}`, DEFAULT_ARGS);
  const user = splitWords(chosen.choice);
  if (!user.ok) return refuse("user", `${chosen.from}: ${user.message}`, chosen.from);
  const checkedAdmin = scheduler.checkArguments(admin.words, {
    fault: "admin",
    from: DEFAULT_ARGS,
    allowIllegal,
  });
  if (!checkedAdmin.ok) return checkedAdmin;
  const checkedUser = scheduler.checkArguments(user.words, {
    fault: "user",
    from: chosen.from,
    allowIllegal,
  });
  if (!checkedUser.ok) return checkedUser;
  return accept({ chosen, words: [...checkedAdmin.value, ...checkedUser.value] });
}

/** The submission of a plan, under the job's unique name. */
export function submissionOf(
  plan: Pick<BatchPlan, "words" | "files" | "program" | "version">,
  name: string,
): Submission {
  const { words, files, program, version } = plan;
  const { output, wrapper } = files;
  return { name, words, directory: program.directory, output, wrapper, version };
}

function programOf(input: BatchInput, files: SpoolFiles): BatchJobProgram {
  const { directories, scheduler, facts, inner } = input;
  const { writesOutput = false, plainExit = false } = scheduler.wrapper ?? {};
  return {
    bash: facts.shell.bash,
    kind: inner.kind,
    command: [...inner.argv, entryPath(directories.scripts, STAGE)],
    environment: files.environment,
    directory: directories.builds,
    record: recordPath(directories.scripts, STAGE),
    marker: files.marker,
    started: files.started,
    nonce: "NONCE",
    umask: "UMASK",
    killGrace: KILL_GRACE_MILLISECONDS,
    ...(writesOutput ? { output: files.output } : {}),
    plainExit,
  };
}

function chooseArguments({
  settings,
  job,
}: Pick<BatchInput, "settings" | "job">): Decision<string> {
  const names = settings.batch.arguments_variable;
  const name = names.find((candidate) => (job.variables[candidate] ?? "").trim() !== "");
  if (name === undefined)
    return { choice: "", because: "the job sets no such variable", from: names.join(", ") };
  return { choice: job.variables[name] ?? "", because: "the job sets it", from: name };
}

function splitAll(texts: readonly string[]): ReturnType<typeof splitWords> {
  const words: string[] = [];
  for (const text of texts) {
    const split = splitWords(text);
    if (!split.ok) return split;
    words.push(...split.words);
  }
  return { ok: true, words };
}

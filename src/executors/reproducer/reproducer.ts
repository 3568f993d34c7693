import { entryPath, recordPath, scriptPath } from "../../bash/entry-path.ts";
import { containerEntryProgram, hostEntryProgram } from "../../bash/entry-programs.ts";
import { type ReproducerProgram, reproducerProgram } from "../../bash/reproducer.ts";
import { batchJobProgram } from "../../bash/templates.ts";
import type { Job } from "../../job/job.ts";
import type { UserScript } from "../../job/user-script.ts";
import type { Directories } from "../../plan/directories.ts";
import type { BatchRecipe, Recipe } from "../attempt.ts";
import { spoolFiles, submissionOf } from "../batch/batch-plan.ts";
import { schedulerNamed } from "../batch/schedulers.ts";
import { TOKEN_VARIABLE } from "../site.ts";
import { userProgram } from "./user-program.ts";
import { giveVariables } from "./variables.ts";

export interface ReproducerInput {
  readonly job: Job;
  readonly script: UserScript;
  readonly directories: Directories;
  readonly claimDirectories: readonly string[];
  /** How the user's script starts where it runs. */
  readonly recipe: Recipe;
  readonly batch: BatchRecipe | undefined;
  /** What must be there for the container, besides the job's own directories. */
  readonly directoriesToMake: readonly string[];
  readonly filesToMake: readonly string[];
  /** Replaces every secret in a text. */
  readonly redact: (text: string) => string;
  /** For the batch job's program, in octal. */
  readonly umask: string;
}

/** gitlab-runner's name for the user's script. */
const STAGE = "build_script";

/** The text of a script that runs the job's script again, by hand; undefined when the job's directory is unknown. */
export function reproducerText(input: ReproducerInput): string | undefined {
  const { job, script, directories, recipe, batch, redact } = input;
  const project = job.variables["CI_PROJECT_DIR"] ?? "";
  if (!project.startsWith("/")) return undefined;
  const { scripts, builds, slotName } = directories;
  const work = `${scripts}/reproduce`;
  const variables = giveVariables({ ...script, variables: job.variables, redact });
  const entries = script.entries.map(redact);
  const program = userProgram({ entries, variables, work, project });
  const image = recipe.kind === "container" ? (recipe.argv.at(-2) ?? "") : "";
  const namesOf = (kind: string) =>
    variables.filter((variable) => variable.kind === kind).map(({ name }) => name);
  const hasSecret = entries.some((entry, at) => entry !== script.entries[at]);
  return redact(
    reproducerProgram({
      comment: commentOf(job, batch !== undefined, hasSecret),
      project,
      commit: job.variables["CI_COMMIT_SHA"] ?? "",
      builds,
      scripts,
      work,
      claims: input.claimDirectories.map((path) => `${path}/${slotName}`),
      image: image.startsWith("/") ? image : "",
      directories: [`${scripts}/home`, ...input.directoriesToMake],
      files: input.filesToMake,
      asked: namesOf("asked"),
      askedFiles: namesOf("file"),
      ...(batch ? submitted(input, batch, work, program) : direct(recipe, work, program)),
    }),
  );
}

type Start = Pick<ReproducerProgram, "texts" | "command" | "environment" | "inside">;

function direct(recipe: Recipe, work: string, program: string): Start {
  const path = scriptPath(work, STAGE);
  const shell = recipe.kind === "container" ? [recipe.shell ?? "/bin/sh"] : [];
  return {
    texts: [{ path, text: program }],
    command: [...recipe.argv, ...shell, path],
    environment: environmentOf(recipe),
  };
}

/** The same submission under another name, with a spool of its own. */
function submitted(input: ReproducerInput, batch: BatchRecipe, work: string, text: string): Start {
  const { job, umask } = input;
  const { plan, programs, inner } = batch;
  const files = spoolFiles(work);
  const entry = entryPath(work, STAGE);
  const record = recordPath(work, STAGE);
  const script = scriptPath(work, STAGE);
  const { interpreter = "", shell = "" } = inner;
  const { output: _output, ...rest } = plan.program;
  const program = {
    ...rest,
    ...(plan.program.output !== undefined && { output: files.output }),
    kind: inner.kind,
    command: [...inner.argv, entry],
    environment: files.environment,
    record,
    marker: files.marker,
    started: files.started,
    nonce: `again-${job.id}`,
    umask,
  };
  const scheduler = schedulerNamed(batch.scheduler);
  if (scheduler === undefined) throw new Error(`no scheduler ${batch.scheduler}`);
  const name = `ciagain${job.id.slice(-8)}`;
  const { argv, env = {} } = scheduler.submit(submissionOf({ ...plan, files, program }, name));
  const [command = "", ...words] = argv;
  const entryText =
    inner.kind === "host"
      ? hostEntryProgram({ record, fallback: "", script: text })
      : containerEntryProgram({ interpreter, shell, script, record, gated: true });
  return {
    texts: [
      { path: files.wrapper, text: batchJobProgram(program) },
      { path: entry, text: entryText },
      ...(inner.kind === "host" ? [] : [{ path: script, text }]),
    ],
    command: [programs[command] ?? command, ...words],
    environment: { ...batch.env, ...env },
    inside: environmentOf(inner),
  };
}

/** Without the mark by which `cleanup` finds what a job left behind. */
function environmentOf({ env }: Recipe): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== TOKEN_VARIABLE));
}

function commentOf(job: Job, isBatch: boolean, hasSecret: boolean): readonly string[] {
  const { id, name, project } = job;
  return [
    `Runs the script of CI job ${id} (${name}, project ${project.name}) again, by hand: as the same user, on a host that`,
    "sees the same directories. Ends with the script's exit status.",
    "",
    "Usage: bash FILE [--force]     (--force: also while a job uses the same directories)",
    "",
    "Not as in the job: the project's directory is as it is now; secrets are asked for (the job's token is not valid any",
    "more after the job); variables that are files are asked for, too; what gitlab-runner adds around the script",
    "(pre_build_script, post_build_script, GITLAB_ENV, caches, artifacts) is not there, nor is after_script.",
    ...(isBatch ? [] : ["Nothing ends what the script leaves in the background."]),
    ...(hasSecret ? ["The script itself held a secret, which is [MASKED] here."] : []),
  ];
}

import { readFileSync } from "node:fs";
import { type Facts, gatherFacts } from "../executors/facts.ts";
import { type JobPlan, planJob, planStage } from "../executors/job-plan.ts";
import { loginShell } from "../executors/site.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorMessage } from "../host/files.ts";
import { redact, registerSecrets, writeLine } from "../host/redact.ts";
import { currentUser } from "../host/user.ts";
import type { Job } from "../job/job.ts";
import { readJob } from "../job/read-job.ts";
import type { Settings } from "../settings/settings.ts";
import { compilerFor } from "./compiler.ts";
import { type Explanation, explanationJson, explanationText } from "./explanation-text.ts";
import type { Environment } from "./hook.ts";
import { optionValues } from "./options.ts";
import { readOrReport } from "./read-or-report.ts";

const BAD_INPUT = 2;

export interface ExplainInput {
  /** The whole command line: `--variable` may occur several times. */
  readonly words: readonly string[];
  readonly flags: {
    readonly configuration?: string | undefined;
    readonly "job-response"?: string | undefined;
    readonly image?: string | undefined;
    readonly stage?: string | undefined;
    readonly json?: boolean | undefined;
  };
  readonly noAuth: boolean;
  readonly env: Environment;
}

/**
 * Prints what would be done for a job, made by the functions that the hooks use. Looks at this host (login shell,
 * program versions); pulls, makes and starts nothing. 0 also for a job that would be refused: that is in the plan.
 */
export async function explain(input: ExplainInput): Promise<number> {
  const { flags } = input;
  try {
    const settings = await loadSettings(flags.configuration);
    if (settings === undefined) return BAD_INPUT;
    const explanation = await explainJob(input, settings);
    writeLine(1, flags.json ? explanationJson(explanation) : explanationText(explanation));
    return 0;
  } catch (error) {
    if (!(error instanceof SystemFailure)) throw error;
    writeLine(2, `jacamar: error: ${error.message}`);
    return BAD_INPUT;
  }
}

async function loadSettings(file: string | undefined): Promise<Settings | undefined> {
  if (file === undefined) throw new SystemFailure("--explain needs --configuration FILE");
  return await readOrReport(file);
}

async function explainJob(input: ExplainInput, settings: Settings): Promise<Explanation> {
  const { flags, env, noAuth } = input;
  const reading = readJob(jobEnvironment(input), payloadText(flags["job-response"]));
  if (!reading.ok) throw new SystemFailure(reading.message);
  registerSecrets(reading.secrets.redact);
  const { job } = reading;
  const user = currentUser(env);
  const facts = await gatherFacts({
    settings,
    user,
    shell: loginShell(settings, user, env["PATH"]),
    asksChImage: true,
    hook: env,
    parentProgram: undefined,
    signal: new AbortController().signal,
  });
  const compile = await compilerFor(settings);
  const plan = planJob({ settings, job, user, slot: job.concurrentId, facts, noAuth, compile });
  // Before quotes and escapes, in which a secret could not be found again.
  return redacted(explanationOf({ settings, job, facts, plan, stage: flags.stage }));
}

/** The plan with what it was made of. */
export function explanationOf(made: {
  readonly settings: Settings;
  readonly job: Job;
  readonly facts: Facts;
  readonly plan: JobPlan;
  /** This stage alone. */
  readonly stage: string | undefined;
}): Explanation {
  const { settings, job, facts, plan, stage } = made;
  const { chRun, chImage, searched } = facts.applications;
  const { id, name, project, source, timeout } = job;
  return {
    version: 1,
    configuration: settings.file,
    job: { id, name, project, source, timeout },
    facts: {
      bash: facts.shell.bash,
      environment: Object.keys(facts.shell.env),
      chRun: chRun ?? null,
      chImage: chImage ?? null,
      searched,
    },
    inactive: settings.inactive,
    plan: onlyStage(plan, stage),
  };
}

function redacted<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) =>
    typeof part === "string" ? redact(part) : part,
  );
}

function onlyStage(plan: JobPlan, name: string | undefined): JobPlan {
  if (name === undefined) return plan;
  const stage = planStage(plan, name);
  return { ...plan, stages: stage ? [stage] : [] };
}

function payloadText(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new SystemFailure(`cannot read the job payload: ${errorMessage(error)} (--job-response)`);
  }
}

/** Stands for the hook's environment: what a runner would have passed on for such a job. */
function jobEnvironment(input: ExplainInput): Environment {
  const { words, flags, env } = input;
  const variables = optionValues(words, "--variable").map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new SystemFailure(`--variable ${JSON.stringify(text)}: wanted: NAME=VALUE`);
    return [`CUSTOM_ENV_${text.slice(0, at)}`, text.slice(at + 1)] as const;
  });
  const image = flags.image === undefined ? {} : { CUSTOM_ENV_CI_JOB_IMAGE: flags.image };
  const inherited = flags["job-response"] === undefined ? {} : customVariables(env);
  return { ...inherited, ...image, ...Object.fromEntries(variables) };
}

function customVariables(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("CUSTOM_ENV_")));
}

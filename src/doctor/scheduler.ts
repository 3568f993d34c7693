import { writeFileSync } from "node:fs";
import {
  type Caller,
  findSchedulerPrograms,
  makeCaller,
  schedulerEnvironment,
} from "../executors/batch/calls.ts";
import type { Answer, Call, Scheduler, Submission } from "../executors/batch/scheduler.ts";
import { askVersion } from "../executors/batch/scheduler-facts.ts";
import { schedulerNamed } from "../executors/batch/schedulers.ts";
import { adminEnvironment } from "../executors/site.ts";
import { accept, type Verdict } from "../plan/decision.ts";
import type { Context } from "./context.ts";
import { type Finding, fail, ok, type Probe, warn } from "./finding.ts";

const PATIENCE_SECONDS = 10;
/** No job has it: names of jobs end with random letters. */
const NAME = "cidoctor";

interface Connection {
  readonly scheduler: Scheduler;
  readonly programs: Readonly<Record<string, string>>;
  readonly call: Caller;
}

/** The scheduler's commands as the driver calls them; undefined for a site without one. */
function connect(context: Context): Verdict<Connection> | undefined {
  const { settings, user, hook } = context;
  const scheduler = schedulerNamed(settings.general.executor);
  if (scheduler === undefined) return undefined;
  const { scheduler_bin: directory, env_vars: envVars } = settings.batch;
  const programs = findSchedulerPrograms(scheduler, directory, context.login["PATH"]);
  if (!programs.ok) return programs;
  const login = { ...context.login, ...adminEnvironment(settings) };
  const env = schedulerEnvironment({ scheduler, hook, login, user, envVars, directory });
  const call = makeCaller(programs.value, env);
  return accept({ scheduler, programs: programs.value, call });
}

export const schedulerProbe: Probe = {
  id: "scheduler",
  title: "scheduler",
  run: async (context) => {
    const connection = connect(context);
    if (connection === undefined)
      return ok(`none: [general] executor = "${context.settings.general.executor}"`);
    if (!connection.ok)
      return fail(
        connection.refusal.message,
        "no batch job can be submitted",
        connection.refusal.from,
      );
    const { scheduler, programs, call } = connection.value;
    const [version, answer] = await Promise.all([
      askVersion(scheduler, call, PATIENCE_SECONDS),
      call(scheduler.find(NAME), PATIENCE_SECONDS),
    ]);
    return judgeScheduler({
      title: scheduler.title,
      version,
      program: programs[scheduler.programs[0] ?? ""] ?? "",
      answers: scheduler.readFound(answer) !== undefined,
      said: lastLine(answer),
    });
  },
};

export interface SchedulerAnswer {
  readonly title: string;
  readonly version: string;
  /** Path of its command to submit. */
  readonly program: string;
  readonly answers: boolean;
  readonly said: string;
}

export function judgeScheduler({
  title,
  version,
  program,
  answers,
  said,
}: SchedulerAnswer): Finding {
  const seen = [`${title}${version === "" ? "" : ` ${version}`}`, program].join(", ");
  if (answers) return ok(`${seen}, answers`);
  return fail(
    `${seen} does not answer: ${said}`,
    "batch jobs wait for it and fail in the end",
    "its daemons and their configuration; [batch] env_vars if its commands need a variable",
  );
}

export const submissionProbe: Probe = {
  id: "submission",
  title: "dry submission",
  run: async (context) => {
    const connection = connect(context);
    if (connection === undefined) return ok("not needed");
    if (!connection.ok) return ok("not tried, see scheduler above");
    const { scheduler, call } = connection.value;
    const version = await askVersion(scheduler, call, PATIENCE_SECONDS);
    const question = dryRun(scheduler, submissionIn(context, version));
    if (question === undefined)
      return ok(
        `not tried: ${scheduler.title} has no submission without a job; jacamar try runs one`,
      );
    const answer = await call(question, PATIENCE_SECONDS);
    return judgeSubmission(scheduler.title, answer.status, lastLine(answer));
  },
};

function submissionIn({ scratch, settings }: Context, version: string): Submission {
  const wrapper = `${scratch}/batch-job`;
  writeFileSync(wrapper, "#!/bin/bash\nexit 0\n", { mode: 0o700 });
  const words = settings.batch.default_args;
  const output = `${scratch}/output`;
  return { name: NAME, words, directory: scratch, output, wrapper, version };
}

/** The driver's own submission, as a question only; undefined where the scheduler has no such thing. */
export function dryRun(scheduler: Scheduler, submission: Submission): Call | undefined {
  const { argv, env } = scheduler.submit(submission);
  const option = { slurm: "--test-only", flux: "--dry-run", pbs: "", lsf: "" }[scheduler.name];
  if (option === "") return undefined;
  // Before the script, whose own words would follow it.
  const words = [...argv.slice(0, -1), option, ...argv.slice(-1)];
  return { argv: words, ...(env && { env }) };
}

export function judgeSubmission(title: string, status: number | undefined, said: string): Finding {
  if (status === 0) return ok(`${title} would take a job with [batch] default_args`);
  return warn(
    `${title} would not take a job with [batch] default_args: ${said}`,
    "jobs without arguments of their own are refused",
    "[batch] default_args with the account, partition or time that this site wants",
  );
}

function lastLine({ stdout, stderr, status }: Answer): string {
  const lines = `${stdout}\n${stderr}`.trim().split("\n");
  return lines.pop()?.trim() || (status === undefined ? "no answer" : `status ${status}`);
}

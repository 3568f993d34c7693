import { writeFileSync } from "node:fs";
import { makeCaller } from "../executors/batch/calls.ts";
import type { Answer, Call, Scheduler, Submission } from "../executors/batch/scheduler.ts";
import { findScheduler } from "../executors/batch/scheduler-facts.ts";
import { schedulerNamed } from "../executors/batch/schedulers.ts";
import type { Context } from "./context.ts";
import { type Finding, fail, ok, type Probe, warn } from "./finding.ts";

const PATIENCE_SECONDS = 10;
/** No job has it: names of jobs end with random letters. */
const NAME = "cidoctor";

export const schedulerProbe: Probe = {
  id: "scheduler",
  title: "scheduler",
  run: async (context) => {
    const { executor } = context.settings.general;
    const scheduler = schedulerNamed(executor);
    if (scheduler === undefined) return ok(`none: [general] executor = "${executor}"`);
    const facts = await findScheduler(context);
    if (facts === undefined || !facts.programs.ok) {
      const message = facts?.programs.ok === false ? facts.programs.refusal.message : "not found";
      return fail(message, "no batch job can be submitted", "[batch] scheduler_bin");
    }
    const call = makeCaller(facts.programs.value, facts.env);
    const answer = await call(scheduler.find(NAME), PATIENCE_SECONDS);
    const directory = facts.programs.value[scheduler.programs[0] ?? ""] ?? "";
    return judgeScheduler({
      title: scheduler.title,
      version: facts.version,
      program: directory,
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
    const scheduler = schedulerNamed(context.settings.general.executor);
    if (scheduler === undefined) return ok("not needed");
    const facts = await findScheduler(context);
    if (facts === undefined || !facts.programs.ok) return ok("not tried, see scheduler above");
    const call = dryRun(scheduler, submissionIn(context, facts.version));
    if (call === undefined)
      return ok(
        `not tried: ${scheduler.title} has no submission without a job; jacamar try runs one`,
      );
    const answer = await makeCaller(facts.programs.value, facts.env)(call, PATIENCE_SECONDS);
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

import { entryPath } from "../bash/entry-path.ts";
import type { User } from "../host/user.ts";
import type { Job } from "../job/job.ts";
import { isBatchStage, KNOWN_STAGES, type Stage, stageKind } from "../job/stages.ts";
import {
  type MechanismPlan,
  type Place,
  planMechanism,
  refuseMechanism,
} from "../plan/container.ts";
import type { Decision, Refusal, Verdict } from "../plan/decision.ts";
import { type Directories, planDirectories } from "../plan/directories.ts";
import type { CompiledPattern } from "../settings/patterns.ts";
import type { Settings } from "../settings/settings.ts";
import { batchCommand } from "./batch/batch-command.ts";
import { type BatchPlan, planBatch } from "./batch/batch-plan.ts";
import { schedulerNamed, schedulerNames } from "./batch/schedulers.ts";
import {
  type ContainerPlan,
  containerCommand,
  planContainer,
  plannedImage,
} from "./container-plan.ts";
import type { Facts } from "./facts.ts";

export interface PlanInput {
  readonly settings: Settings;
  readonly job: Job;
  readonly user: User;
  readonly slot: number;
  readonly facts: Facts;
  /** `--no-auth` was given. */
  readonly noAuth: boolean;
  readonly compile: (pattern: string) => CompiledPattern;
}

/**
 * Everything that is decided about a job before it runs. Plain data without a secret: the hooks carry it out and
 * `--explain` prints it.
 */
export interface JobPlan {
  readonly version: 1;
  readonly executor: Decision<string>;
  readonly user: User;
  readonly directories?: Directories;
  readonly mechanism?: MechanismPlan;
  /** The container of the user's scripts; absent when they run on the host. */
  readonly step?: ContainerPlan;
  /** The container of the runner's own stages; absent when they run on the host. */
  readonly helper?: ContainerPlan;
  /** How the user's script goes through the scheduler; absent with `executor = "shell"`. */
  readonly batch?: BatchPlan;
  /** Command of a host stage, up to its entry program. */
  readonly hostCommand: readonly string[];
  readonly gitlabRunner: Decision<string>;
  readonly stages: readonly StagePlan[];
  /** For the job log. */
  readonly notes: readonly string[];
  /** Why the job will not run; empty when it will. */
  readonly refusals: readonly Refusal[];
}

export interface StagePlan extends Stage {
  readonly where: Decision<"host" | "image" | "runner_image">;
  /** The command that the stage's supervisor, or the batch job's program, starts; empty when its directories or container could not be planned. */
  readonly argv: readonly string[];
}

export function planJob(input: PlanInput): JobPlan {
  const { settings, job, user, slot, facts } = input;
  const refusals: Refusal[] = [...checkSite(settings, input.noAuth)];
  const take = <T>(verdict: Verdict<T>): T | undefined => {
    if (verdict.ok) return verdict.value;
    // What no job of the site gets stands there already.
    const { message } = verdict.refusal;
    if (refusals.every((one) => one.message !== message)) refusals.push(verdict.refusal);
    return undefined;
  };
  const directories = take(planDirectories({ settings, user, job, slot }));
  const mechanism = take(planMechanism({ settings, job }));
  const usesHelperImage = mechanism?.helper.choice === "runner_image";
  const image = mechanism?.image;
  const step =
    directories && image && take(planContainer({ ...input, directories, role: "step", image }));
  const helperImage = usesHelperImage ? runnerImage(settings) : undefined;
  const helper =
    directories &&
    helperImage &&
    take(planContainer({ ...input, directories, role: "helper", image: helperImage }));
  const scheduler = schedulerNamed(settings.general.executor);
  const hostCommand = [facts.shell.bash, "--login"];
  const inner =
    directories && batchCommand({ settings, directories, mechanism, step, hostCommand });
  const batch =
    scheduler && inner && take(planBatch({ settings, job, directories, scheduler, facts, inner }));
  const missingRunner = checkGitlabRunner(job, facts, mechanism);
  if (missingRunner?.refusal) refusals.push(missingRunner.refusal);
  const notes = [directories?.notes, mechanism?.notes, step?.notes, helper?.notes];
  const plan = {
    version: 1 as const,
    executor: {
      choice: settings.general.executor,
      because: "the configuration says so",
      from: "[general] executor",
    },
    user,
    ...(directories && { directories }),
    ...(mechanism && { mechanism }),
    ...(step && { step }),
    ...(helper && { helper }),
    ...(batch && { batch }),
    hostCommand,
    gitlabRunner: facts.gitlabRunner,
    notes: [
      ...notes.flatMap((list) => list ?? []),
      ...(missingRunner?.note ? [missingRunner.note] : []),
    ],
    refusals,
  };
  const stages = KNOWN_STAGES.map((stage) => planStage(plan, stage.name)).filter(
    (stage) => stage !== undefined,
  );
  return { ...plan, stages };
}

function runnerImage(settings: Settings): Decision<string> | undefined {
  const choice = settings.charliecloud.runner_image;
  const because = "the configuration names it for the runner's own stages";
  return choice === undefined
    ? undefined
    : { choice, because, from: "[general.charliecloud] runner_image" };
}

/** Where and how a stage runs, also one that no known runner asks for. */
export function planStage(plan: Omit<JobPlan, "stages">, name: string): StagePlan | undefined {
  if (plan.mechanism === undefined) return undefined;
  const kind = stageKind(name);
  const where = plan.mechanism[kind];
  return { name, kind, where, argv: stageArgv(plan, where.choice, name) };
}

function stageArgv(plan: Omit<JobPlan, "stages">, place: Place, name: string): readonly string[] {
  if (plan.directories === undefined) return [];
  const entry = entryPath(plan.directories.scripts, name);
  if (plan.batch && isBatchStage(name)) return [...plan.batch.program.command.slice(0, -1), entry];
  if (place === "host") return [...plan.hostCommand, entry];
  const container = place === "image" ? plan.step : plan.helper;
  return container ? containerCommand(container, plannedImage(container), [entry]) : [];
}

/** What this version cannot do for any job of the site: a feature that was asked for is never skipped in silence. */
export function checkSite(settings: Settings, noAuth: boolean): readonly Refusal[] {
  const { executor } = settings.general;
  const refusals: Refusal[] = [];
  if (executor !== "shell" && schedulerNamed(executor) === undefined) {
    const why =
      executor === "cobalt" ? "this scheduler is retired" : "this version does not have it yet";
    const from = "[general] executor";
    const wanted = ["shell", ...schedulerNames()].map((name) => `"${name}"`).join(" or ");
    const message = `${from} = "${executor}": ${why}; wanted: ${wanted}`;
    refusals.push({ fault: "admin", message, from });
  }
  const mechanism = refuseMechanism(settings.general);
  if (mechanism !== undefined) refusals.push(mechanism);
  const { present, downscope } = settings.auth;
  if (!noAuth && present && downscope !== "none") {
    const from = "[auth] downscope";
    const seen = downscope === undefined ? "is not set" : `= "${downscope}"`;
    const message = `${from} ${seen}: this version cannot authorize users or change to them; wanted: "none", or the flag --no-auth before the sub-command`;
    refusals.push({ fault: "admin", message, from });
  }
  return refusals;
}

/** Without gitlab-runner the generated scripts skip artifacts and cache with a mere warning, and succeed. */
function checkGitlabRunner(
  job: Job,
  facts: Facts,
  mechanism: MechanismPlan | undefined,
): { readonly refusal?: Refusal; readonly note?: string } | undefined {
  const { gitlabRunner } = facts;
  if (gitlabRunner.choice !== "" || mechanism?.helper.choice === "runner_image") return undefined;
  const what = `gitlab-runner was not found (${gitlabRunner.because}); add its directory with ${gitlabRunner.from}`;
  if (!job.uses.artifacts) return { note: `${what}: artifacts and caches would be skipped` };
  const message = `the job's artifacts would be lost: ${what}`;
  return { refusal: { fault: "admin", message, from: gitlabRunner.from } };
}

/** Why artifact stages must not run here; absent when they may. */
export function artifactProblem(plan: JobPlan): string | undefined {
  const helperOnHost = plan.mechanism?.helper.choice !== "runner_image";
  if (plan.gitlabRunner.choice !== "" || !helperOnHost) return undefined;
  return `gitlab-runner was not found (${plan.gitlabRunner.because}), and the script would skip the artifacts with a mere warning; add its directory with ${plan.gitlabRunner.from}`;
}

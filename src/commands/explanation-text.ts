import { quoteCommand } from "../bash/quote.ts";
import { batchJobProgram } from "../bash/templates.ts";
import type { BatchPlan } from "../executors/batch/batch-plan.ts";
import type { ContainerPlan } from "../executors/container-plan.ts";
import type { JobPlan } from "../executors/job-plan.ts";
import type { Decision } from "../plan/decision.ts";

/** What `--explain --json` prints. */
export interface Explanation {
  readonly version: 1;
  readonly configuration: string;
  readonly job: {
    readonly id: string;
    readonly name: string;
    readonly project: { readonly id: string; readonly name: string };
    readonly source: "payload" | "environment";
    readonly timeout: number;
  };
  readonly facts: {
    readonly bash: string;
    /** Names in the clean environment that every host stage starts with. */
    readonly environment: readonly string[];
    readonly chRun: { readonly path: string; readonly version: string } | null;
    readonly chImage: { readonly path: string; readonly version: string } | null;
    readonly searched: string;
  };
  /** Configuration keys that are known and not acted on. */
  readonly inactive: readonly string[];
  readonly plan: JobPlan;
}

/** With the text of the program on the node as `batchProgram`, where there is one. */
export function explanationJson(explanation: Explanation): string {
  const { batch } = explanation.plan;
  const made = { ...explanation, ...(batch && { batchProgram: batchJobProgram(batch.program) }) };
  return JSON.stringify(made, undefined, 2);
}

/** The same plan for people. */
export function explanationText(explanation: Explanation): string {
  const { plan, job, facts, inactive } = explanation;
  return [
    `Plan for job ${job.id}${job.name ? ` "${job.name}"` : ""} of project ${job.project.name || job.project.id}`,
    `  configuration  ${explanation.configuration}`,
    ...verdict(plan),
    "",
    "Host",
    `  user           ${plan.user.name} (uid ${plan.user.uid}, home ${plan.user.home})`,
    `  executor       ${plan.executor.choice}`,
    `  login shell    ${facts.bash}, clean environment: ${facts.environment.join(" ")}`,
    `  ch-run         ${program(facts.chRun, facts.searched)}`,
    `  ch-image       ${program(facts.chImage, facts.searched)}`,
    line("gitlab-runner", plan.gitlabRunner),
    ...directories(plan),
    ...(plan.step ? container("Container of the user's scripts", plan.step) : []),
    ...(plan.helper ? container("Container of the runner's own stages", plan.helper) : []),
    ...(plan.batch ? batch(plan.batch) : []),
    "",
    "Stages",
    ...plan.stages.flatMap(({ name, where, argv }) => [
      `  ${name.padEnd(28)} ${where.choice}: ${where.because} (${where.from})`,
      ...(argv.length > 0 ? [`    ${quoteCommand(argv)}`] : []),
    ]),
    ...section("Notes", plan.notes),
    ...(plan.batch ? batchProgram(plan.batch) : []),
    ...section("Configuration keys that this version knows and does not act on", inactive),
  ].join("\n");
}

function verdict(plan: JobPlan): string[] {
  if (plan.refusals.length === 0) return ["  verdict        runs"];
  return plan.refusals.map(
    ({ fault, message }) => `  verdict        REFUSED (fault: ${fault}): ${message}`,
  );
}

function line<T>(label: string, decision: Decision<T>): string {
  const choice = String(decision.choice) || "none";
  return `  ${label.padEnd(14)} ${choice}: ${decision.because} (${decision.from})`;
}

function program(
  found: { readonly path: string; readonly version: string } | null,
  searched: string,
): string {
  return found ? `${found.path} ${found.version}` : `not found in ${searched}`;
}

function directories(plan: JobPlan): string[] {
  if (plan.directories === undefined) return [];
  const { builds, cache, scripts, topDirectories } = plan.directories;
  return [
    "",
    "Directories (the slot is the first that no running job holds)",
    `  builds         ${builds}`,
    `  cache          ${cache}`,
    `  scripts        ${scripts}`,
    ...topDirectories.map(
      ({ path, mode, because, from }) =>
        `  ${mode.toString(8).padStart(4, "0")}           ${path}: ${because} (${from})`,
    ),
  ];
}

function container(title: string, plan: ContainerPlan): string[] {
  const { image, reference, allowlist, credentials, pullPolicies, writeFake } = plan;
  return [
    "",
    title,
    line("image", image),
    `  full name      ${reference.pull}`,
    line("allowlist", allowlist),
    `  account        ${credentials.choice}${credentials.username ? ` (${credentials.username})` : ""} for ${credentials.registry}: ${credentials.because} (${credentials.from})`,
    ...pullPolicies.map((policy) => line("pull policy", policy)),
    ...origin(plan),
    line("--write-fake", writeFake),
    ...[...plan.anchors.map(anchor), ...plan.binds, ...plan.volumes, ...plan.optionBinds].map(
      ({ source, target, because, from }) =>
        `  bind           ${source}${source === target ? "" : ` at ${target}`}: ${because} (${from})`,
    ),
  ];
}

function anchor(mount: ContainerPlan["anchors"][number]) {
  const because = "it holds the mount points of this job";
  return { ...mount, because, from: "--write-fake" };
}

function origin({ source, asked, target, storage, pullCommand }: ContainerPlan): string[] {
  const shown = [
    line("asked", { ...asked, choice: `${target.registry}/${target.repository}` }),
    line("image from", source),
  ];
  if (source.choice === "storage") {
    return [...shown, line("storage", storage), `  pull           ${quoteCommand(pullCommand)}`];
  }
  const { directory, puller, entry, batchEntry } = source;
  return [
    ...shown,
    line("cache", directory),
    line("puller", puller),
    line("entry", entry),
    ...(batchEntry ? [line("batch entry", batchEntry)] : []),
  ];
}

function batch(plan: BatchPlan): string[] {
  const { scheduler, version, arguments: given, submit, program: onNode, files, times } = plan;
  return [
    "",
    `Batch job of the user's script (${scheduler}${version && ` ${version}`})`,
    line("arguments", given),
    `  submission     ${quoteCommand(submit)}`,
    `  on the node    ${files.wrapper} runs ${quoteCommand(onNode.command)}`,
    `  output         ${files.output}`,
    `  result         ${files.marker}, with the scheduler's own word`,
    `  times          asks at most every ${times.commandDelay} s ([batch] command_delay), waits ${times.nfsTimeout} s for late files ([batch] nfs_timeout), cancels what can never run after ${times.impossibleAfter} s ([batch] impossible_after)`,
  ];
}

function batchProgram({ program: onNode, files }: BatchPlan): string[] {
  const lines = batchJobProgram(onNode).trimEnd().split("\n");
  return section(
    `${files.wrapper}, the program that the scheduler starts (NONCE and UMASK stand for what is known only then)`,
    lines,
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((text) => `  ${text}`)];
}

import { existsSync } from "node:fs";
import { quoteCommand } from "../bash/quote.ts";
import { chRunArgv, containerEnvironment } from "../charliecloud/ch-run.ts";
import { knownProbe, noteProbe, trialFile } from "../charliecloud/known-probe.ts";
import { type ImageShell, type ProbeResult, probeImage } from "../charliecloud/probe.ts";
import { redact } from "../host/redact.ts";
import { accept, refuse, type Verdict } from "../plan/decision.ts";
import type { Recipe } from "./attempt.ts";
import { packedCommand } from "./batch/batch-command.ts";
import { cachedImage } from "./cached-image.ts";
import { explainFailure, explainUserFailure } from "./container-failure.ts";
import { type ContainerPlan, faultOf } from "./container-plan.ts";
import type { ContainerWork, ReadyImage } from "./container-work.ts";
import type { ImageFigures } from "./image-figures.ts";
import { leaseFile, packForBatch, storedImage } from "./stored-image.ts";

/** How stages run in a container: on the runner's host, and in a batch job. */
export interface ContainerRecipes {
  readonly host: Recipe;
  readonly batch?: Recipe;
  readonly figures: ImageFigures;
}

/** Gets the image, starts it once to see that it works, and says how stages run in it. */
export async function prepareContainer(work: ContainerWork): Promise<Verdict<ContainerRecipes>> {
  const { container, log } = work;
  const early = new Set(container.trial.volumes.map(({ source }) => source));
  const missing = container.volumes.find(({ source }) => early.has(source) && !existsSync(source));
  if (missing !== undefined) {
    const { from, source } = missing;
    return refuse(
      "user",
      `${from}: ${source} does not exist on this host; wanted: SRC[:DST] with a file or directory as SRC`,
      from,
    );
  }
  for (const volume of container.volumes)
    log.log(`Mounting ${volume.source} at ${volume.target} (${volume.from})`);
  const { registry, choice, username, from } = container.credentials;
  const account = choice === "none" ? "none" : `${username} (${from})`;
  log.log(
    `Image ${container.reference.pull}: ${container.image.because}; account for ${registry}: ${account}`,
  );
  const image = await getImage(work);
  if (!image.ok) return image;
  const shell = await probe(work, image.value);
  if (!shell.ok) return shell;
  const { chRun, options } = container;
  const recipe = (argv: readonly string[]): Recipe => ({
    kind: "container",
    argv,
    env: environment(work),
    // Before quoting, which would make a secret with a quote in it unrecognisable.
    shown: quoteCommand(argv.map(redact)),
    interpreter: shell.value.interpreter,
    shell: shell.value.shell,
  });
  const host = recipe(chRunArgv(chRun, options, image.value.image, []));
  const { batchImage, figures } = image.value;
  if (!work.forBatch || container.role !== "step") return accept({ host, figures });
  const packed =
    batchImage === undefined ? await packForBatch(work, image.value) : accept(batchImage);
  if (!packed.ok) return packed;
  if (packed.value === undefined) return accept({ host, batch: host, figures });
  return accept({ host, batch: recipe(packedCommand(container, packed.value)), figures });
}

async function getImage(work: ContainerWork): Promise<Verdict<ReadyImage>> {
  const { source } = work.container;
  if (source.choice === "storage") return await storedImage(work);
  return await cachedImage(work, source, leaseFile(work.directory, work.container.role));
}

const HELPER_PROGRAMS = ["bash", "git", "gitlab-runner"] as const;

async function probe(work: ContainerWork, image: ReadyImage): Promise<Verdict<ImageShell>> {
  const { container, state, log, signal } = work;
  const isHelper = container.role === "helper";
  const request = {
    env: environment(work),
    cwd: state.directories?.builds ?? "/",
    programs: isHelper ? HELPER_PROGRAMS : ["bash"],
    signal,
  };
  const commandOf = (options: ContainerPlan["options"]) =>
    chRunArgv(container.chRun, options, image.image, []);
  const start = (options: ContainerPlan["options"]) => probeImage(commandOf(options), request);
  const directory = trialsDirectory(work);
  const trial = { ...request, command: commandOf(container.trial), image: image.image };
  const file = directory && trialFile(directory, trial);
  const known = file && knownProbe(file, Date.now());
  const result = known || (await start(container.trial));
  signal.throwIfAborted();
  if ("failure" in result) {
    const plain = hasUserPart(container) ? await start(container.trialWithoutUser) : result;
    return "failure" in plain
      ? { ok: false, refusal: explainFailure(container.image, plain.failure) }
      : { ok: false, refusal: explainUserFailure(container.image, result.failure) };
  }
  if (file && !known) noteProbe(file, result, Date.now());
  if (isHelper) return checkHelper(container, result);
  if (result.shell === undefined) {
    return refuse(
      faultOf(container.image),
      `image ${container.image.choice} has neither bash nor a sh that runs gitlab-runner's scripts; wanted: an image with bash (for example: apt-get install bash, apk add bash)`,
      container.image.from,
    );
  }
  if (!result.shell.isBash) {
    log.log(
      `Image ${container.image.choice} has no bash: its /bin/sh runs the job's script. If the script needs Bash, install bash in the image (for example: apk add bash)`,
    );
  }
  return accept(result.shell);
}

/**
 * Where trials of this user are remembered; undefined when each job makes its own: what a user mounts or sets may change
 * at any time, an image by name, too, and others can write to a shared cache.
 */
function trialsDirectory({ container, state }: ContainerWork): string | undefined {
  const { source } = container;
  if (source.choice !== "cache" || state.settings.charliecloud.cache.shared) return undefined;
  return hasUserPart(container) ? undefined : `${source.directory.choice}/trials`;
}

function hasUserPart({ trial, trialWithoutUser }: ContainerPlan): boolean {
  return trial.volumes.length > 0 || trial.words.length > trialWithoutUser.words.length;
}

function checkHelper(container: ContainerPlan, result: ProbeResult): Verdict<ImageShell> {
  const { missing, shell } = result;
  if (missing.length === 0 && shell !== undefined) return accept(shell);
  return refuse(
    "admin",
    `${container.image.from} = "${container.image.choice}" has no ${missing.join(", no ")}; wanted: an image with ${HELPER_PROGRAMS.join(", ")} in its PATH`,
    container.image.from,
  );
}

function environment({ facts, state }: ContainerWork): Record<string, string> {
  return containerEnvironment(facts.login, state.user);
}

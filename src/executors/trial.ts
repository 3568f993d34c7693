import { chRunArgv } from "../charliecloud/ch-run.ts";
import { knownProbe, noteProbe, type Trial, trialFile } from "../charliecloud/known-probe.ts";
import {
  type ImageShell,
  type ProbeAnswer,
  type ProbeResult,
  probeImage,
} from "../charliecloud/probe.ts";
import { accept, refuse, type Verdict } from "../plan/decision.ts";
import { explainFailure, explainUserFailure } from "./container-failure.ts";
import { type ContainerPlan, faultOf } from "./container-plan.ts";
import { type ContainerWork, chRunEnvironment, type ReadyImage } from "./container-work.ts";

const HELPER_PROGRAMS = ["bash", "git", "gitlab-runner"] as const;

/** Starts the image once to see that it works, or knows that it does, and says with which shell. */
export async function tryImage(
  work: ContainerWork,
  image: ReadyImage,
): Promise<Verdict<ImageShell>> {
  const { container, state, signal } = work;
  const request = {
    env: chRunEnvironment(work),
    cwd: state.directories?.builds ?? "/",
    programs: container.role === "helper" ? HELPER_PROGRAMS : ["bash"],
    signal,
  };
  const commandOf = (options: ContainerPlan["options"]) =>
    chRunArgv(container.chRun, options, image.image, []);
  const start = (options: ContainerPlan["options"]) => probeImage(commandOf(options), request);
  const { builds = "", cache = "", scripts = "" } = state.directories ?? {};
  const trial: Trial = {
    ...request,
    command: commandOf(container.trial),
    image: image.image,
    directories: [builds, cache, scripts],
  };
  const result = await trialOf(work, image, trial, () => start(container.trial));
  signal.throwIfAborted();
  if ("failure" in result) {
    const plain = hasUserPart(container) ? await start(container.trialWithoutUser) : result;
    return "failure" in plain
      ? { ok: false, refusal: explainFailure(container.image, plain.failure) }
      : { ok: false, refusal: explainUserFailure(container.image, result.failure) };
  }
  return container.role === "helper" ? checkHelper(container, result) : checkShell(work, result);
}

/** The result of the trial: a known one, that of a job which is making it at this moment, or the job's own. */
async function trialOf(
  work: ContainerWork,
  { cache }: ReadyImage,
  trial: Trial,
  start: () => Promise<ProbeAnswer>,
): Promise<ProbeAnswer> {
  const directory = trialsDirectory(work);
  const file = directory && trialFile(directory, trial);
  if (!file || cache === undefined) return await start();
  return await cache.share<ProbeAnswer>({
    name: `trial-${file.slice(file.lastIndexOf("/") + 1)}`,
    what: `image ${work.container.reference.pull}`,
    doing: "starting",
    find: () => knownProbe(file, Date.now()),
    make: async () => {
      const result = await start();
      if (!("failure" in result)) noteProbe(file, result, Date.now());
      return result;
    },
  });
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

function checkShell({ container, log }: ContainerWork, result: ProbeResult): Verdict<ImageShell> {
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

import type { Job } from "../job/job.ts";
import type { StageKind } from "../job/stages.ts";
import type { CharliecloudSettings, GeneralSettings } from "../settings/settings.ts";
import { accept, type Decision, type Refusal, refuse, type Verdict } from "./decision.ts";
import { quoted } from "./quoted.ts";

const IMAGE = "image:";
const MECHANISM = "[general] run_mechanism";
const FORCE = "[general] force_mechanism";
const DEFAULT_IMAGE = "[general.charliecloud] default_image";
const STEP_SCRIPT_ONLY = "[general.charliecloud] step_script_only";
const RUNNER_IMAGE = "[general.charliecloud] runner_image";

export interface MechanismInput {
  readonly settings: {
    readonly general: Pick<GeneralSettings, "run_mechanism" | "force_mechanism">;
    readonly charliecloud: Pick<
      CharliecloudSettings,
      "default_image" | "runner_image" | "step_script_only"
    >;
  };
  readonly job: Pick<Job, "image">;
}

/** `image`: the container of the job's image; `runner_image`: the admin's helper container. */
export type Place = "host" | "image" | "runner_image";

/** Where each kind of stage runs, by `StageKind`. */
export interface MechanismPlan extends Readonly<Record<StageKind, Decision<Place>>> {
  /** Name of the image for the user's steps, unchecked; absent: the job runs without a container. */
  readonly image?: Decision<string>;
  /** For the job log: what was asked for and is ignored. */
  readonly notes: readonly string[];
}

/**
 * Decides which stages run in a container and which image that is. A job without an image where the site wants
 * containers only is the user's fault; a mechanism that this driver does not have is the admin's.
 */
export function planMechanism({ settings, job }: MechanismInput): Verdict<MechanismPlan> {
  const { run_mechanism: mechanism, force_mechanism: forced } = settings.general;
  if (mechanism === undefined) {
    const because = `${MECHANISM} is not set`;
    return accept(onHost({ because, from: MECHANISM }, ignoredNotes(job, forced)));
  }
  const unknown = refuseMechanism(settings.general);
  if (unknown !== undefined) return { ok: false, refusal: unknown };
  const image = imageOf(job, forced ? settings.charliecloud.default_image : undefined);
  if (image !== undefined) {
    return accept(inContainer(image, settings.charliecloud));
  }
  if (forced) {
    const message =
      "Cannot run the job outside a container: this site runs every job in one and the job names no image; " +
      `set \`image:\` in the job, e.g. image: registry.example/group/image:tag (admins: ${DEFAULT_IMAGE} serves such jobs)`;
    return refuse("user", message, IMAGE);
  }
  return accept(onHost({ because: "the job names no image", from: IMAGE }, []));
}

/** Why no job of the site can run, whatever it asks for: a mechanism that this driver does not have. */
export function refuseMechanism({
  run_mechanism: mechanism,
}: Pick<GeneralSettings, "run_mechanism">): Refusal | undefined {
  if (mechanism === undefined || mechanism === "charliecloud") return undefined;
  const message = `Cannot run jobs with ${MECHANISM} = ${quoted(mechanism)}: this driver does not support it, wanted "charliecloud"`;
  return { fault: "admin", message, from: MECHANISM };
}

function imageOf(
  job: MechanismInput["job"],
  fallback: string | undefined,
): Decision<string> | undefined {
  if (job.image !== undefined) {
    return { choice: job.image.name, because: "the job names it", from: IMAGE };
  }
  if (fallback === undefined) {
    return undefined;
  }
  const because = `the job names no image and ${FORCE} wants a container`;
  return { choice: fallback, because, from: DEFAULT_IMAGE };
}

type Reason = Pick<Decision<Place>, "because" | "from">;

function onHost(reason: Reason, notes: readonly string[]): MechanismPlan {
  const host = { choice: "host", ...reason } as const;
  return { step: host, after: host, helper: host, notes };
}

function inContainer(
  image: Decision<string>,
  {
    step_script_only: stepsOnly,
    runner_image: runnerImage,
  }: MechanismInput["settings"]["charliecloud"],
): MechanismPlan {
  const step: Decision<Place> = {
    choice: "image",
    because: image.from === IMAGE ? "the job names an image" : image.because,
    from: image.from,
  };
  const after: Decision<Place> = stepsOnly
    ? { choice: "host", because: "only the job's script runs in its image", from: STEP_SCRIPT_ONLY }
    : step;
  const helper: Decision<Place> =
    runnerImage === undefined
      ? { choice: "host", because: `${RUNNER_IMAGE} is not set`, from: RUNNER_IMAGE }
      : { choice: "runner_image", because: "the job runs in a container", from: RUNNER_IMAGE };
  return { step, after, helper, image, notes: [] };
}

function ignoredNotes(job: MechanismInput["job"], forced: boolean): readonly string[] {
  const notes: string[] = [];
  if (job.image !== undefined) {
    notes.push(
      `The image ${quoted(job.image.name)} is ignored and the job runs on the host: containers need ${MECHANISM} = "charliecloud" in the configuration`,
    );
  }
  if (forced) {
    notes.push(`${FORCE} = true has no effect: it needs ${MECHANISM} = "charliecloud"`);
  }
  return notes;
}

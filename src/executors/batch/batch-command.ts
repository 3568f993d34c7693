import { chRunArgv } from "../../charliecloud/ch-run.ts";
import type { MechanismPlan } from "../../plan/container.ts";
import type { Directories } from "../../plan/directories.ts";
import type { Settings } from "../../settings/settings.ts";
import { type ContainerPlan, containerCommand, plannedImage } from "../container-plan.ts";

/** What runs in a batch job, up to the path of the stage's entry program. */
export interface BatchCommand {
  readonly kind: "host" | "container";
  readonly argv: readonly string[];
}

/** Undefined when the container could not be planned. */
export function batchCommand(input: {
  readonly settings: Settings;
  readonly directories: Directories;
  readonly mechanism: MechanismPlan | undefined;
  readonly step: ContainerPlan | undefined;
  readonly hostCommand: readonly string[];
}): BatchCommand | undefined {
  const { settings, directories, mechanism, step, hostCommand } = input;
  if (mechanism?.step.choice === "host") return { kind: "host", argv: hostCommand };
  if (step === undefined) return undefined;
  if (step.source.choice === "cache" || settings.charliecloud.disable_convert)
    return { kind: "container", argv: containerCommand(step, plannedImage(step, "batch"), []) };
  return { kind: "container", argv: packedCommand(step, packedImage(directories.scripts)) };
}

/** The image as one file that every node can see. */
export function packedImage(scripts: string): string {
  return `${scripts}/image.sqfs`;
}

/** A container's command for an image that was packed into `file`, up to the entry program. */
export function packedCommand(
  { chRun, options }: Pick<ContainerPlan, "chRun" | "options">,
  file: string,
): string[] {
  const { storage: _storage, ...withoutStorage } = options;
  return chRunArgv(chRun, withoutStorage, file, []);
}

import { imagePath, layoutOf } from "../cache/layout.ts";
import { pullArgv } from "../charliecloud/ch-image.ts";
import { type ChRunOptions, chRunArgv } from "../charliecloud/ch-run.ts";
import type { User } from "../host/user.ts";
import type { Job } from "../job/job.ts";
import { judgeImage } from "../plan/allowlist.ts";
import { planCacheDirectory } from "../plan/cache-directory.ts";
import { type CredentialChoice, chooseCredentials } from "../plan/credentials.ts";
import { accept, type Decision, refuse, type Verdict } from "../plan/decision.ts";
import type { Directories } from "../plan/directories.ts";
import { chooseMirror, type SourceChoice } from "../plan/mirror.ts";
import { isWithin, normalisePath } from "../plan/paths.ts";
import { choosePullPolicies } from "../plan/pull-policy.ts";
import { parseReference, type Reference } from "../plan/reference.ts";
import { type Bind, planVolumes } from "../plan/volumes.ts";
import { imageTarget } from "../registry/target.ts";
import type { ImageTarget } from "../registry/types.ts";
import type { CompiledPattern } from "../settings/patterns.ts";
import type { PullPolicy, Settings } from "../settings/settings.ts";
import { type PlannedOption, type PlannedOptions, planOptions } from "./ch-run-options.ts";
import { type ContainerMounts, planMounts } from "./container-mounts.ts";
import type { Facts } from "./facts.ts";
import { chooseSource, chooseStorage, type ImageSource } from "./image-source.ts";
import { siteRegistry } from "./site.ts";

const TOOLS = "[general.charliecloud] application_path";
const JOB_IMAGE = "image:";

export interface ContainerInput {
  readonly settings: Settings;
  readonly job: Job;
  readonly user: User;
  readonly facts: Facts;
  readonly compile: (pattern: string) => CompiledPattern;
  readonly directories: Directories;
  /** `step`: the user's scripts. `helper`: the runner's own stages, in the administrator's image. */
  readonly role: "step" | "helper";
  readonly image: Decision<string>;
}

export interface ContainerPlan extends Omit<ContainerMounts, "notes"> {
  readonly role: "step" | "helper";
  readonly image: Decision<string>;
  readonly reference: Reference;
  readonly allowlist: Decision<"allowed">;
  /** The registry, or the mirror of it, that is asked for the image. */
  readonly asked: SourceChoice;
  readonly target: ImageTarget;
  readonly credentials: CredentialChoice;
  /** Tried in order. */
  readonly pullPolicies: readonly Decision<PullPolicy>[];
  readonly pullCommand: readonly string[];
  readonly storage: Decision<string>;
  readonly source: ImageSource;
  readonly volumes: readonly Bind[];
  readonly chRun: string;
  readonly options: ChRunOptions;
  /** For a first start in `prepare`: without what lies in the builds directory, which is still empty then. */
  readonly trial: ChRunOptions;
  /** The trial without anything that the user asked for: tells whose fault it is when the container does not start. */
  readonly trialWithoutUser: ChRunOptions;
  readonly notes: readonly string[];
}

export function planContainer(input: ContainerInput): Verdict<ContainerPlan> {
  const { image, settings, job, role } = input;
  const fault = faultOf(image);
  const byUser = fault === "user";
  const fallback = siteRegistry(settings);
  const reference = parseReference(image.choice, { fault, from: image.from }, fallback);
  if (!reference.ok) return reference;
  const allowlist = byUser
    ? judgeImage({
        reference: reference.value,
        patterns: settings.charliecloud.image_allowlist,
        compile: input.compile,
      })
    : accept<Decision<"allowed">>({
        choice: "allowed",
        because: "the administrator chose it",
        from: image.from,
      });
  if (!allowlist.ok) return allowlist;
  const asked = chooseMirror(reference.value, settings.charliecloud);
  const credentials = chooseCredentials({
    reference: reference.value,
    mirror: asked.mirror?.host,
    variables: byUser ? job.variables : {},
    registries: job.registries,
  });
  if (!credentials.ok) return credentials;
  const policies = choosePullPolicies(policyWish(input));
  if (!policies.ok) return policies;
  const words = planOptions({ ...input, cwd: input.directories.builds });
  if (!words.ok) return words;
  const volumes = role === "step" ? planUserVolumes(input) : accept<readonly Bind[]>([]);
  if (!volumes.ok) return volumes;
  return assemble(input, {
    reference: reference.value,
    asked,
    allowlist: allowlist.value,
    credentials: credentials.value,
    pullPolicies: policies.value,
    volumes: volumes.value,
    words: words.value,
  });
}

/** The command that runs `command` in the container; `image` is how the storage names the image at that moment. */
export function containerCommand(
  plan: Pick<ContainerPlan, "chRun" | "options">,
  image: string,
  command: readonly string[],
): string[] {
  return chRunArgv(plan.chRun, plan.options, image, command);
}

/** What ch-run will be told, before the registry has said which image it is: `DIGEST` stands for that. */
export function plannedImage(
  { source, reference }: ContainerPlan,
  place: "host" | "batch" = "host",
): string {
  if (source.choice === "storage") return reference.pull;
  const { entries } = layoutOf(source.directory.choice);
  const entry = (place === "batch" && source.batchEntry) || source.entry;
  return imagePath(`${entries}/DIGEST`, entry.choice);
}

interface Parts {
  readonly reference: Reference;
  readonly asked: SourceChoice;
  readonly allowlist: Decision<"allowed">;
  readonly credentials: CredentialChoice;
  readonly pullPolicies: readonly Decision<PullPolicy>[];
  readonly volumes: readonly Bind[];
  readonly words: PlannedOptions;
}

function assemble(input: ContainerInput, parts: Parts): Verdict<ContainerPlan> {
  const { directories, facts, role, image } = input;
  const { chRun, chImage, searched } = facts.applications;
  if (chRun === undefined) {
    return refuse("admin", `cannot run a container: ch-run was not found in ${searched}`, TOOLS);
  }
  const { reference, words, asked, ...decided } = parts;
  const places = choosePlaces(input, asked);
  if (!places.ok) return places;
  const { storage, source } = places.value;
  const inStorage = source.choice === "storage";
  const { pullPolicies } = parts;
  if (inStorage && chImage === undefined && pullPolicies.every(({ choice }) => choice === "always"))
    return refuse("admin", `cannot pull images: ch-image was not found in ${searched}`, TOOLS);
  const { notes, ...mounts } = planMounts({
    directories,
    imageFault: faultOf(image),
    volumes: parts.volumes,
    options: words.options,
    chRunVersion: chRun.version,
    cached: !inStorage,
  });
  const variants = chRunVariants(input, parts, {
    writeFake: mounts.writeFake.choice,
    ...(inStorage && { storage: storage.choice }),
    binds: [...mounts.anchors, ...mounts.binds],
  });
  return accept({
    role,
    image,
    reference,
    asked,
    ...decided,
    target: imageTarget(reference, asked.mirror?.prefix),
    pullCommand: pullArgv(chImage?.path ?? "ch-image", reference.pull, undefined),
    storage,
    source,
    ...mounts,
    chRun: chRun.path,
    ...variants,
    notes: [...(reference.note ? [reference.note] : []), ...words.notes, ...notes],
  });
}

function choosePlaces(
  { settings, user, facts, directories, role }: ContainerInput,
  asked: SourceChoice,
): Verdict<{ readonly storage: Decision<string>; readonly source: ImageSource }> {
  const storage = chooseStorage({ settings, user, login: facts.login });
  if (!storage.ok) return storage;
  const source = chooseSource({
    settings: settings.charliecloud,
    packing: facts.packing,
    chImage: facts.applications.chImage?.path,
    forBatch: role === "step" && settings.general.executor !== "shell",
    directory: planCacheDirectory({
      settings,
      user,
      storage: storage.value.choice,
      dataDir: directories.dataDir,
    }),
    mirrored: asked.choice !== "registry",
  });
  return source.ok ? accept({ storage: storage.value, source: source.value }) : source;
}

function chRunVariants(
  { directories, settings }: ContainerInput,
  { volumes, words }: Parts,
  fixed: Pick<ChRunOptions, "writeFake" | "storage" | "binds">,
): Pick<ContainerPlan, "options" | "trial" | "trialWithoutUser"> {
  const isThere = ({ source }: { readonly source: string }) => !isLater(directories, source);
  const common = {
    ...fixed,
    imageEnvironment: settings.charliecloud.image_environment,
    home: `${directories.scripts}/home`,
  };
  const trialWords = words.options.filter(({ bind }) => bind === undefined || isThere(bind));
  const wordsOf = (options: readonly PlannedOption[]) => options.flatMap((option) => option.words);
  return {
    options: { ...common, volumes, words: wordsOf(words.options) },
    trial: { ...common, volumes: volumes.filter(isThere), words: wordsOf(trialWords) },
    trialWithoutUser: {
      ...common,
      volumes: [],
      words: wordsOf(trialWords.filter(({ fault }) => fault === "admin")),
    },
  };
}

/** Who chose the image. */
export function faultOf(image: Decision<string>): "user" | "admin" {
  return image.from === JOB_IMAGE ? "user" : "admin";
}

function policyWish(input: ContainerInput) {
  const { settings, job, role } = input;
  const { runner_pull_policy: key, allowed_pull_policies: allowed } = settings.charliecloud;
  return role === "helper"
    ? ({ by: "admin", words: key ? [key] : [], allowed } as const)
    : ({ by: "job", words: job.image?.pullPolicy ?? [], allowed } as const);
}

/** Whether the path lies where the job's sources are fetched to, so that it may not exist before that. */
function isLater(directories: Pick<Directories, "builds">, source: string): boolean {
  return isWithin(normalisePath(source), directories.builds);
}

function planUserVolumes(input: ContainerInput): Verdict<readonly Bind[]> {
  const prefix = input.settings.charliecloud.user_volume_variable;
  return prefix === undefined ? accept([]) : planVolumes(prefix, input.job.variables);
}

import { canWriteFake } from "../charliecloud/applications.ts";
import { pullArgv } from "../charliecloud/ch-image.ts";
import { type ChRunOptions, chRunArgv } from "../charliecloud/ch-run.ts";
import type { MountPoint } from "../charliecloud/image-store.ts";
import type { User } from "../host/user.ts";
import type { Job } from "../job/job.ts";
import { judgeImage } from "../plan/allowlist.ts";
import { type CredentialChoice, chooseCredentials } from "../plan/credentials.ts";
import { accept, type Decision, refuse, type Verdict } from "../plan/decision.ts";
import type { Directories } from "../plan/directories.ts";
import { expandAccount } from "../plan/expand.ts";
import { isWithin, normalisePath } from "../plan/paths.ts";
import { choosePullPolicies } from "../plan/pull-policy.ts";
import { quoted } from "../plan/quoted.ts";
import { parseReference, type Reference } from "../plan/reference.ts";
import { type Bind, planVolumes } from "../plan/volumes.ts";
import type { CompiledPattern } from "../settings/patterns.ts";
import type { PullPolicy, Settings } from "../settings/settings.ts";
import { type PlannedOption, type PlannedOptions, planOptions } from "./ch-run-options.ts";
import type { Facts } from "./facts.ts";

const TABLE = "[general.charliecloud]";
const TOOLS = `${TABLE} application_path`;
const JOB_IMAGE = "image:";
/** Where ch-run mounts its overlay. */
const SRV = "/srv";

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

export interface ContainerPlan {
  readonly role: "step" | "helper";
  readonly image: Decision<string>;
  readonly reference: Reference;
  readonly allowlist: Decision<"allowed">;
  readonly credentials: CredentialChoice;
  /** Tried in order. */
  readonly pullPolicies: readonly Decision<PullPolicy>[];
  readonly pullCommand: readonly string[];
  readonly storage: Decision<string>;
  readonly binds: readonly Bind[];
  readonly volumes: readonly Bind[];
  /** Bind mounts among the administrator's and the user's options. */
  readonly optionBinds: readonly Bind[];
  readonly writeFake: Decision<boolean>;
  readonly chRun: string;
  readonly options: ChRunOptions;
  /** For a first start in `prepare`: without what lies in the builds directory, which is still empty then. */
  readonly trial: ChRunOptions;
  /** The trial without anything that the user asked for: tells whose fault it is when the container does not start. */
  readonly trialWithoutUser: ChRunOptions;
  readonly mountPoints: readonly MountPoint[];
  readonly notes: readonly string[];
}

export function planContainer(input: ContainerInput): Verdict<ContainerPlan> {
  const { image, settings, job, role } = input;
  const fault = faultOf(image);
  const byUser = fault === "user";
  const reference = parseReference(image.choice, { fault, from: image.from });
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
  const credentials = chooseCredentials({
    reference: reference.value,
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

interface Parts {
  readonly reference: Reference;
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
  if (chImage === undefined && parts.pullPolicies.every(({ choice }) => choice === "always")) {
    return refuse("admin", `cannot pull images: ch-image was not found in ${searched}`, TOOLS);
  }
  const storage = chooseStorage(input);
  if (!storage.ok) return storage;
  const { reference, words, ...decided } = parts;
  const binds = jobBinds(directories);
  const optionBinds = words.options.flatMap(({ bind }) => bind ?? []);
  const writeFake = chooseWriteFake(chRun.version, [...binds, ...parts.volumes, ...optionBinds]);
  const variants = chRunVariants(input, parts, {
    writeFake: writeFake.choice,
    storage: storage.value.choice,
    binds,
  });
  return accept({
    role,
    image,
    reference,
    ...decided,
    pullCommand: pullArgv(chImage?.path ?? "ch-image", reference.pull, undefined),
    storage: storage.value,
    binds,
    optionBinds,
    writeFake,
    chRun: chRun.path,
    ...variants,
    mountPoints: planMountPoints(input, binds, parts, writeFake.choice),
    notes: [
      ...(reference.note ? [reference.note] : []),
      ...words.notes,
      ...(writeFake.from === SRV
        ? [`The container's root is read-only: ${writeFake.because}`]
        : []),
    ],
  });
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

/** Whether the path lies where the job's sources are fetched to, so that it may not exist before that. */
function isLater(directories: Pick<Directories, "builds">, source: string): boolean {
  return isWithin(normalisePath(source), directories.builds);
}

/** ch-run makes mount points only with --write-fake, and some versions none for a file even then. */
function planMountPoints(
  { image }: ContainerInput,
  binds: readonly Bind[],
  { volumes, words }: Parts,
  filesOnly: boolean,
): MountPoint[] {
  const points = (list: readonly Bind[], fault: "user" | "admin") =>
    list.map(({ source, target, from }) => ({ source, target, fault, from, filesOnly }));
  return [
    // An image that cannot hold the job's directories is its owner's choice.
    ...points(binds, faultOf(image)),
    ...points(volumes, "user"),
    ...words.options.flatMap(({ bind, fault }) => (bind ? points([bind], fault) : [])),
  ];
}

/** Who chose the image. */
export function faultOf(image: Decision<string>): "user" | "admin" {
  return image.from === JOB_IMAGE ? "user" : "admin";
}

function policyWish(input: ContainerInput) {
  const { settings, job, role } = input;
  const key = settings.charliecloud.runner_pull_policy;
  return role === "helper"
    ? ({ by: "admin", words: key ? [key] : [] } as const)
    : ({ by: "job", words: job.image?.pullPolicy ?? [] } as const);
}

function jobBinds(directories: Directories): Bind[] {
  const because = "the job's files keep their paths inside";
  const bind = (path: string, from: string) => ({ source: path, target: path, because, from });
  return [
    bind(directories.builds, "builds directory"),
    bind(directories.cache, "cache directory"),
    bind(directories.scripts, "scripts directory"),
  ];
}

/** ch-run before 0.36 has no overlay; and the overlay hides the host's /srv from bind mounts. */
function chooseWriteFake(version: string, binds: readonly Bind[]): Decision<boolean> {
  const from = `ch-run ${version || "of unknown version"}`;
  if (!canWriteFake(version)) {
    return {
      choice: false,
      because: "it has no --write-fake: mount points are made in the stored image",
      from,
    };
  }
  const hidden = binds.find(({ source }) => isWithin(normalisePath(source), SRV));
  if (hidden !== undefined) {
    return {
      choice: false,
      because: `--write-fake would hide ${hidden.source} (${hidden.from}): mount points are made in the stored image`,
      from: SRV,
    };
  }
  return { choice: true, because: "it can overlay the read-only image", from };
}

function chooseStorage(input: ContainerInput): Verdict<Decision<string>> {
  const { settings, user, facts } = input;
  const from = `${TABLE} image_storage_dir`;
  const directory = settings.charliecloud.image_storage_dir;
  if (directory !== undefined) {
    const expanded = expandAccount(directory, user, { tilde: true });
    if (!expanded.startsWith("/")) {
      const message = `cannot use ${from} = ${quoted(directory)}: it is relative; wanted: an absolute path such as $HOME/images`;
      return refuse("admin", message, from);
    }
    return accept({
      choice: normalisePath(`${expanded}/${user.name}.ch`),
      because: "the configuration names its directory",
      from,
    });
  }
  const own = facts.login["CH_IMAGE_STORAGE"];
  if (own?.startsWith("/")) {
    return accept({
      choice: normalisePath(own),
      because: "the user's login shell sets it",
      from: "CH_IMAGE_STORAGE",
    });
  }
  const choice = `/var/tmp/${user.name}.ch`;
  return accept({ choice, because: "it is Charliecloud's default", from });
}

function planUserVolumes(input: ContainerInput): Verdict<readonly Bind[]> {
  const prefix = input.settings.charliecloud.user_volume_variable;
  return prefix === undefined ? accept([]) : planVolumes(prefix, input.job.variables);
}

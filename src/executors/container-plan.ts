import { canWriteFake } from "../charliecloud/applications.ts";
import { pullArgv } from "../charliecloud/ch-image.ts";
import { type ChRunOptions, chRunArgv } from "../charliecloud/ch-run.ts";
import { checkOptions } from "../charliecloud/user-options.ts";
import type { User } from "../host/user.ts";
import type { Job } from "../job/job.ts";
import { judgeImage } from "../plan/allowlist.ts";
import { type CredentialChoice, chooseCredentials } from "../plan/credentials.ts";
import { accept, type Decision, type Refusal, refuse, type Verdict } from "../plan/decision.ts";
import type { Directories } from "../plan/directories.ts";
import { expandAccount } from "../plan/expand.ts";
import { choosePullPolicies } from "../plan/pull-policy.ts";
import { parseReference, type Reference } from "../plan/reference.ts";
import { type Bind, planVolumes } from "../plan/volumes.ts";
import { splitWords } from "../plan/words.ts";
import type { CompiledPattern } from "../settings/patterns.ts";
import type { PullPolicy, Settings } from "../settings/settings.ts";
import type { Facts } from "./facts.ts";

const TABLE = "[general.charliecloud]";
const USER_ARGUMENTS = "JACAMAR_CI_CHARLIECLOUD_ARGS";

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
  readonly writeFake: Decision<boolean>;
  readonly chRun: string;
  readonly options: ChRunOptions;
  /** The same without anything that the user asked for: tells whose fault it is when the container does not start. */
  readonly optionsWithoutUser: ChRunOptions;
  /** Mount points that the image itself must have: all of them, when ch-run cannot make them. */
  readonly mountPoints: readonly { readonly source: string; readonly target: string }[];
  readonly notes: readonly string[];
}

export function planContainer(input: ContainerInput): Verdict<ContainerPlan> {
  const { image, settings, job, role } = input;
  const byUser = image.from === "image:";
  const fault = byUser ? "user" : "admin";
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
  const words = planWords(input);
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
  readonly words: PlannedWords;
}

function assemble(input: ContainerInput, parts: Parts): Verdict<ContainerPlan> {
  const { directories, facts, settings, role, image } = input;
  const { chRun, chImage, searched } = facts.applications;
  if (chRun === undefined) {
    return refuse(
      "admin",
      `cannot run a container: ch-run was not found in ${searched}`,
      `${TABLE} application_path`,
    );
  }
  const binds = jobBinds(directories);
  const all = [...binds, ...parts.volumes, ...parts.words.binds];
  const writeFake = chooseWriteFake(chRun.version, all);
  const storage = chooseStorage(input);
  const options: ChRunOptions = {
    writeFake: writeFake.choice,
    storage: storage.choice,
    imageEnvironment: settings.charliecloud.image_environment,
    home: `${directories.scripts}/home`,
    binds,
    volumes: parts.volumes,
    words: parts.words.words,
  };
  const { reference, words, ...decided } = parts;
  return accept({
    role,
    image,
    reference,
    ...decided,
    pullCommand: pullArgv(chImage?.path ?? "ch-image", reference.pull, undefined),
    storage,
    binds,
    writeFake,
    chRun: chRun.path,
    options,
    optionsWithoutUser: { ...options, volumes: [], words: words.adminWords },
    mountPoints: writeFake.choice ? [] : all,
    notes: [...(reference.note ? [reference.note] : []), ...words.notes],
  });
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
function chooseWriteFake(
  version: string,
  binds: readonly { readonly source: string }[],
): Decision<boolean> {
  const from = `ch-run ${version || "of unknown version"}`;
  if (!canWriteFake(version)) {
    return {
      choice: false,
      because: "it has no --write-fake: mount points are made in the stored image",
      from,
    };
  }
  const hidden = binds.find(({ source }) => /^\/srv(\/|$)/.test(source));
  if (hidden !== undefined) {
    return {
      choice: false,
      because: `--write-fake would hide ${hidden.source}: mount points are made in the stored image`,
      from,
    };
  }
  return { choice: true, because: "it can overlay the read-only image", from };
}

function chooseStorage(input: ContainerInput): Decision<string> {
  const { settings, user, facts } = input;
  const directory = settings.charliecloud.image_storage_dir;
  if (directory !== undefined) {
    const base = expandAccount(directory, account(user), { tilde: true }).replace(/\/+$/, "");
    return {
      choice: `${base}/${user.name}.ch`,
      because: "the configuration names its directory",
      from: `${TABLE} image_storage_dir`,
    };
  }
  const own = facts.login["CH_IMAGE_STORAGE"];
  if (own?.startsWith("/")) {
    return {
      choice: own.replace(/\/+$/, ""),
      because: "the user's login shell sets it",
      from: "CH_IMAGE_STORAGE",
    };
  }
  return {
    choice: `/var/tmp/${user.name}.ch`,
    because: "it is Charliecloud's default",
    from: `${TABLE} image_storage_dir`,
  };
}

function planUserVolumes(input: ContainerInput): Verdict<readonly Bind[]> {
  const prefix = input.settings.charliecloud.user_volume_variable;
  return prefix === undefined ? accept([]) : planVolumes(prefix, input.job.variables);
}

interface PlannedWords {
  readonly words: readonly string[];
  readonly adminWords: readonly string[];
  readonly binds: readonly { readonly source: string; readonly target: string }[];
  readonly notes: readonly string[];
}

/** Extra words for ch-run: the administrator's, then the user's. */
function planWords(input: ContainerInput): Verdict<PlannedWords> {
  const { settings, role, job, user } = input;
  const key = role === "helper" ? "runner_options" : "custom_options";
  const sources = settings.charliecloud[key].map((text) => ({
    text: expandAccount(text, account(user)),
    fault: "admin" as const,
    from: `${TABLE} ${key}`,
  }));
  const userText = role === "step" ? (job.variables[USER_ARGUMENTS] ?? "") : "";
  const ignored = settings.charliecloud.disable_user_args && userText.trim() !== "";
  const notes = ignored ? [`${USER_ARGUMENTS} is ignored: ${TABLE} disable_user_args is set`] : [];
  const all = ignored
    ? sources
    : [...sources, { text: userText, fault: "user" as const, from: USER_ARGUMENTS }];
  const words: string[] = [];
  const adminWords: string[] = [];
  const binds: { source: string; target: string }[] = [];
  for (const { text, fault, from } of all) {
    const checked = checkedWords(text, fault, from);
    if (!checked.ok) return checked;
    words.push(...checked.value.words);
    if (fault === "admin") adminWords.push(...checked.value.words);
    for (const bind of checked.value.binds) {
      const [source = "", target = source] = bind.split(":");
      if (target.startsWith("/")) binds.push({ source, target });
    }
  }
  return accept({ words, adminWords, binds, notes });
}

function checkedWords(text: string, fault: Refusal["fault"], from: string) {
  const split = splitWords(text);
  if (!split.ok) return refuse(fault, `${from}: ${split.message}`, from);
  return checkOptions(split.words, fault, from);
}

function account(user: User) {
  return { home: user.home, user: user.name, uid: user.uid };
}

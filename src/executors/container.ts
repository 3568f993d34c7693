import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { quoteCommand } from "../bash/quote.ts";
import { chRunArgv, containerEnvironment } from "../charliecloud/ch-run.ts";
import {
  type AcquiredImage,
  type ImageRequest,
  type ImageStore,
  openImageStore,
} from "../charliecloud/image-store.ts";
import { type ImageShell, type ProbeResult, probeImage } from "../charliecloud/probe.ts";
import { type Account, pullEnvironment } from "../charliecloud/pull-environment.ts";
import { squashImage } from "../charliecloud/squash.ts";
import { imageDirectory } from "../charliecloud/storage.ts";
import { writeAtomically } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { redact } from "../host/redact.ts";
import type { Job, Secrets } from "../job/job.ts";
import { accept, refuse, type Verdict } from "../plan/decision.ts";
import type { Recipe } from "./attempt.ts";
import { explainFailure, explainUserFailure } from "./container-failure.ts";
import { type ContainerPlan, faultOf } from "./container-plan.ts";
import type { Facts } from "./facts.ts";
import { type AttemptState, adminEnvironment } from "./site.ts";

export interface ContainerWork {
  readonly container: ContainerPlan;
  readonly state: AttemptState;
  readonly facts: Facts;
  readonly job: Job;
  readonly secrets: Secrets;
  /** The attempt's private directory. */
  readonly directory: string;
  /** The user's script runs in a batch job. */
  readonly forBatch: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A lease that `cleanup` must release. */
export interface LeaseNote extends AcquiredImage {
  readonly version: 1;
  readonly storage: string;
  readonly storageKey: string;
  readonly chImage: string | undefined;
}

/** How stages run in a container: on the runner's host, and in a batch job. */
export interface ContainerRecipes {
  readonly host: Recipe;
  readonly batch?: Recipe;
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
  const image = await acquire(work);
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
  const host = recipe(chRunArgv(chRun, options, image.value.name, []));
  if (!work.forBatch || container.role !== "step") return accept({ host });
  const packed = await packForBatch(work, image.value);
  if (!packed.ok) return packed;
  if (packed.value === undefined) return accept({ host, batch: host });
  const { storage: _storage, ...withoutStorage } = options;
  return accept({ host, batch: recipe(chRunArgv(chRun, withoutStorage, packed.value, [])) });
}

/** One file that every node can see, in the job's scripts directory; undefined where the site wants the storage used. */
async function packForBatch(
  work: ContainerWork,
  image: AcquiredImage,
): Promise<Verdict<string | undefined>> {
  const { container, state, facts, log, signal } = work;
  if (state.settings.charliecloud.disable_convert) return accept(undefined);
  const file = `${state.directories?.scripts ?? ""}/image.sqfs`;
  const start = performance.now();
  const problem = await squashImage({
    image: imageDirectory(container.storage.choice, image.name),
    file,
    env: { PATH: facts.login["PATH"] ?? "", HOME: state.user.home },
    signal,
  });
  signal.throwIfAborted();
  if (problem !== undefined) {
    return refuse(
      "system",
      `cannot pack image ${container.reference.pull} for the batch job: ${problem}`,
      "[general.charliecloud] disable_convert",
    );
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  log.log(`Packed image into ${file} in ${seconds} s`);
  return accept(file);
}

async function acquire(work: ContainerWork): Promise<Verdict<AcquiredImage>> {
  const { container, state, facts, directory, log } = work;
  const store = imageStoreOf(work);
  const { registry, choice, username } = container.credentials;
  log.log(
    `Image ${container.reference.pull}: ${container.image.because}; account for ${registry}: ${choice === "none" ? "none" : `${username} (${container.credentials.from})`}`,
  );
  const chImage = facts.applications.chImage?.path;
  const request: ImageRequest = {
    reference: container.reference.pull,
    registry,
    origin: { fault: faultOf(container.image), from: container.image.from },
    policies: container.pullPolicies,
    chImage,
    env: pullEnvironment({
      chImage: chImage ?? "",
      login: facts.applications.chImageEnv,
      admin: adminEnvironment(state.settings),
      user: state.user,
      storage: container.storage.choice,
      account: accountOf(work),
      caBundle: caBundle(work),
    }),
    anonymous: choice === "none",
    mountPoints: container.mountPoints,
    claim: {
      version: 1,
      token: state.token,
      job: state.job.id,
      holder: state.holder,
      expires: state.expires,
      notes: {},
    },
    // Since this hook began: so a job that uses one image twice pulls it once.
    asked: Date.now() - Math.floor(process.uptime() * 1000),
  };
  const image = await store.acquire(request);
  if (image.ok) {
    const note: LeaseNote = {
      version: 1,
      ...image.value,
      storage: container.storage.choice,
      storageKey: container.storage.from,
      chImage,
    };
    writeAtomically(leaseFile(directory, container.role), JSON.stringify(note));
  }
  return image;
}

export function leaseFile(directory: string, role: "step" | "helper"): string {
  return `${directory}/jacamar-image-${role}.json`;
}

function imageStoreOf(work: ContainerWork): ImageStore {
  const { container, state, log, signal } = work;
  return openImageStore({
    storage: container.storage.choice,
    storageKey: container.storage.from,
    uid: state.user.uid,
    log,
    holder: `job ${state.job.id} on ${hostname()}`,
    signal,
    now: Date.now,
  });
}

function accountOf({ container, job, secrets }: ContainerWork): Account | undefined {
  const { choice, registry, username = "" } = container.credentials;
  const password =
    choice === "variables" ? job.variables["CH_IMAGE_PASSWORD"] : secrets.passwords[registry];
  return choice === "none" || password === undefined ? undefined : { username, password };
}

/** The CA of the runner's GitLab counts for GitLab's own registry only, beside the CAs that are trusted anyway. */
function caBundle(work: ContainerWork): string | undefined {
  const { container, job, facts, directory } = work;
  const isOwn = job.registries.some(({ host }) => host === container.credentials.registry);
  if (job.serverCa === undefined || !isOwn) return undefined;
  const trusted = [
    facts.login["REQUESTS_CA_BUNDLE"],
    facts.login["CURL_CA_BUNDLE"],
    ...SYSTEM_BUNDLES,
  ];
  // REQUESTS_CA_BUNDLE may also be a directory, which cannot be added to.
  const present = trusted.find(
    (path) => path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
  const file = `${directory}/registry-ca.pem`;
  writeFileSync(file, `${present ? readFileSync(present, "utf8") : ""}\n${job.serverCa}\n`, {
    mode: 0o600,
  });
  return file;
}

const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
] as const;

const HELPER_PROGRAMS = ["bash", "git", "gitlab-runner"] as const;

async function probe(work: ContainerWork, image: AcquiredImage): Promise<Verdict<ImageShell>> {
  const { container, state, log, signal } = work;
  const isHelper = container.role === "helper";
  const start = (options: ContainerPlan["options"]) =>
    probeImage(chRunArgv(container.chRun, options, image.name, []), {
      env: environment(work),
      cwd: state.directories?.builds ?? "/",
      programs: isHelper ? HELPER_PROGRAMS : ["bash"],
      signal,
    });
  const result = await start(container.trial);
  signal.throwIfAborted();
  if ("failure" in result) {
    const plain = hasUserPart(container) ? await start(container.trialWithoutUser) : result;
    return "failure" in plain
      ? { ok: false, refusal: explainFailure(container.image, plain.failure) }
      : { ok: false, refusal: explainUserFailure(container.image, result.failure) };
  }
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

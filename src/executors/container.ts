import { existsSync, readFileSync, writeFileSync } from "node:fs";
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
import { writeAtomically } from "../host/files.ts";
import { type Log, redact } from "../host/log.ts";
import { identify } from "../host/proc.ts";
import type { Job, Secrets } from "../job/job.ts";
import { accept, refuse, type Verdict } from "../plan/decision.ts";
import type { Recipe } from "./attempt.ts";
import type { ContainerPlan } from "./container-plan.ts";
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

/** Gets the image, starts it once to see that it works, and says how stages run in it. */
export async function prepareContainer(work: ContainerWork): Promise<Verdict<Recipe>> {
  const { container, log } = work;
  const missing = container.volumes.find((volume) => !existsSync(volume.source));
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
  const argv = chRunArgv(chRun, options, image.value.name, []);
  return accept({
    kind: "container",
    argv,
    env: environment(work),
    shown: redact(quoteCommand(argv)),
    interpreter: shell.value.interpreter,
    shell: shell.value.shell,
  });
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
    policies: container.pullPolicies.map((policy) => policy.choice),
    chImage,
    env: pullEnvironment({
      chImage: chImage ?? "",
      login: facts.login,
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
      holder: identify(process.ppid),
      expires: state.expires,
      notes: {},
    },
    asked: Date.now(),
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
  const present = trusted.find((path) => path !== undefined && existsSync(path));
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
  const { container, log, signal } = work;
  const isHelper = container.role === "helper";
  const programs = isHelper ? HELPER_PROGRAMS : (["bash"] as const);
  const start = (options: ContainerPlan["options"]) =>
    probeImage(
      chRunArgv(container.chRun, options, image.name, []),
      environment(work),
      programs,
      signal,
    );
  const result = await start(container.options);
  signal.throwIfAborted();
  if ("failure" in result) {
    const asked = container.options !== container.optionsWithoutUser && hasUserPart(container);
    const plain = asked ? await start(container.optionsWithoutUser) : result;
    return explainFailure(container, result.failure, !("failure" in plain));
  }
  if (isHelper) return checkHelper(container, result);
  if (result.shell === undefined) {
    return refuse(
      "user",
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

function hasUserPart({ options, optionsWithoutUser, volumes }: ContainerPlan): boolean {
  return volumes.length > 0 || options.words.length > optionsWithoutUser.words.length;
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

function explainFailure(
  container: ContainerPlan,
  said: string,
  worksWithoutUser: boolean,
): Verdict<ImageShell> {
  const image = container.image.choice;
  if (worksWithoutUser) {
    return refuse(
      "user",
      `cannot start a container of ${image} with the job's own options (JACAMAR_CI_CHARLIECLOUD_ARGS or volumes): ${said}`,
      "JACAMAR_CI_CHARLIECLOUD_ARGS",
    );
  }
  if (/can.t exec(ve\(2\))?: |Exec format error/.test(said)) {
    const fault = container.image.from === "image:" ? "user" : "admin";
    return refuse(
      fault,
      `image ${image} cannot run /bin/sh (${said}); wanted: an image with a shell, for this host's architecture`,
      container.image.from,
    );
  }
  const hint = /user\+mount namespaces/.test(said)
    ? "; unprivileged user namespaces are off or used up on this host (sysctl user.max_user_namespaces; ch-checkns shows more)"
    : "";
  return refuse(
    "admin",
    `cannot start a container of ${image}: ${said}${hint}`,
    "[general.charliecloud] custom_options",
  );
}

function environment({ facts, state }: ContainerWork): Record<string, string> {
  return containerEnvironment(facts.login, state.user);
}

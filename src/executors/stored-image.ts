import { hostname } from "node:os";
import {
  type AcquiredImage,
  type ImageRequest,
  type ImageStore,
  openImageStore,
} from "../charliecloud/image-store.ts";
import { pullEnvironment } from "../charliecloud/pull-environment.ts";
import { squashImage } from "../charliecloud/squash.ts";
import { imageDirectory } from "../charliecloud/storage.ts";
import { writeAtomically } from "../host/files.ts";
import { accept, refuse, type Verdict } from "../plan/decision.ts";
import { packedImage } from "./batch/batch-command.ts";
import { faultOf } from "./container-plan.ts";
import type { ContainerWork, ReadyImage } from "./container-work.ts";
import { accountOf, caBundle } from "./registry-account.ts";
import { adminEnvironment } from "./site.ts";

/** A lease that `cleanup` must release. */
export interface LeaseNote extends AcquiredImage {
  readonly version: 1;
  readonly storage: string;
  readonly storageKey: string;
  readonly chImage: string | undefined;
}

/** Gets the image by `ch-image` into the Charliecloud storage, or finds it there. */
export async function storedImage(work: ContainerWork): Promise<Verdict<ReadyImage>> {
  const { container, state, facts, directory } = work;
  const store = imageStoreOf(work);
  const { registry, choice } = container.credentials;
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
  const start = performance.now();
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
    const { name, hit } = image.value;
    const seconds = (performance.now() - start) / 1000;
    return accept({ image: name, figures: { reference: request.reference, hit, seconds } });
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

/** Makes one file that every node can see, in the job's scripts directory; undefined where the site wants the storage used. */
export async function packForBatch(
  work: ContainerWork,
  { image }: ReadyImage,
): Promise<Verdict<string | undefined>> {
  const { container, state, facts, log, signal } = work;
  if (state.settings.charliecloud.disable_convert) return accept(undefined);
  const file = packedImage(state.directories?.scripts ?? "");
  const start = performance.now();
  const problem = await squashImage({
    image: imageDirectory(container.storage.choice, image),
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

import { renameSync } from "node:fs";
import type { Filling } from "../cache/fill.ts";
import { makeMountPoint } from "../charliecloud/mount-points.ts";
import { pullWaiting } from "../charliecloud/pull.ts";
import { squashImage } from "../charliecloud/squash.ts";
import { imageDirectory, isComplete } from "../charliecloud/storage.ts";
import { SystemFailure } from "../host/failure.ts";
import type { Refusal } from "../plan/decision.ts";
import type { ImageOrder } from "./order.ts";
import type { FillTimes, ImageTools } from "./tools.ts";

/** Makes a cache entry by `ch-image pull` into a storage of its own, so that nobody waits for ch-image's lock. */
export async function fillByChImage(
  order: ImageOrder,
  digest: string,
  { chImage, packer, log, signal }: ImageTools,
  filling: Filling,
  noteTimes: (times: FillTimes) => void,
): Promise<Refusal | undefined> {
  if (chImage === undefined) throw new Error('no ch-image, but puller = "ch-image" was planned');
  const { registry, repository } = order.target;
  const reference = `${registry}/${repository}@${digest}`;
  const storage = filling.temporary("storage");
  const target = {
    reference,
    registry,
    chImage: chImage.path,
    env: chImage.env(storage),
    anonymous: order.anonymous,
    origin: order.origin,
  };
  const start = performance.now();
  const problem = await pullWaiting({ storage, log, signal }, target, reference);
  if (problem !== undefined) return problem.refusal;
  if (!isComplete(storage, reference)) {
    throw new SystemFailure(`ch-image pulled ${reference}, but not as a complete image`);
  }
  const pull = (performance.now() - start) / 1000;
  noteTimes({ pull });
  const directory = imageDirectory(storage, reference);
  const unusable = addMountPoints(directory, order);
  if (unusable !== undefined) return unusable;
  if (order.kind === "directory") {
    renameSync(directory, filling.image);
    return undefined;
  }
  const said = await squashImage({
    image: directory,
    file: filling.image,
    env: packer.env,
    signal,
  });
  signal.throwIfAborted();
  noteTimes({ pull, flatten: (performance.now() - start) / 1000 - pull });
  if (said === undefined) return undefined;
  if (/No space left|are free/.test(said)) throw filling.noSpace();
  throw new SystemFailure(`cannot pack ${order.reference}: ${said}`);
}

function addMountPoints(directory: string, order: ImageOrder): Refusal | undefined {
  for (const { target, isFile, fault, from } of order.mountPoints) {
    const problem = makeMountPoint(directory, { target, isFile });
    if (problem === undefined) continue;
    const message = `cannot mount anything at ${target} in image ${order.reference}: ${problem} (${from})`;
    return { fault, message, from };
  }
  return undefined;
}

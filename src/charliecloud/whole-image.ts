import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { SystemFailure } from "../host/failure.ts";
import { exists } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import type { Refusal } from "../plan/decision.ts";
import { type PullTarget, pullWaiting } from "./pull.ts";
import { imageDirectory, isComplete, storageName } from "./storage.ts";

export interface ImageStorage {
  readonly storage: string;
  /** The driver's own directory beside it. */
  readonly own: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Whether the image is in the storage, and no pull of it was cut off. */
export function isWhole({ storage, own }: Pick<ImageStorage, "storage" | "own">, name: string) {
  return isComplete(storage, name) && !exists(pullMark(own, name));
}

/**
 * Pulls, with a mark on disk while the image may be in pieces: ch-image takes the old one away file by file, and one
 * that was killed meanwhile can leave all that tells a whole image.
 */
export async function pullWhole(
  place: ImageStorage,
  target: Omit<PullTarget, "chImage"> & { readonly chImage: string | undefined },
  name: string,
): Promise<Refusal | undefined> {
  const { storage, own } = place;
  const { chImage, reference } = target;
  if (chImage === undefined) {
    throw new SystemFailure(
      `cannot pull ${reference}: ch-image was not found; set [general.charliecloud] application_path`,
    );
  }
  const mark = pullMark(own, name);
  const inPieces = exists(mark);
  mkdirSync(`${own}/pulling`, { recursive: true, mode: 0o700 });
  writeFileSync(mark, "");
  // What is thrown meanwhile ends the wait for ch-image's lock, before ch-image did anything.
  let asBefore = true;
  try {
    const problem = await pullWaiting(place, { ...target, chImage }, name);
    asBefore = problem?.untouched ?? false;
    if (problem) return problem.refusal;
  } finally {
    if (asBefore && !inPieces) rmSync(mark, { force: true });
  }
  if (!isComplete(storage, name)) {
    throw new SystemFailure(
      `pulled ${reference}, but ${imageDirectory(storage, name)} is not a complete image`,
    );
  }
  rmSync(mark, { force: true });
  return undefined;
}

function pullMark(own: string, name: string): string {
  return `${own}/pulling/${storageName(name)}`;
}

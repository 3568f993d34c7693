import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  readFileSync,
  renameSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { errorCode, unlinkIfThere } from "../host/files.ts";
import { setTime } from "./entry.ts";
import { hexOf, layerClaim } from "./layout.ts";
import { once } from "./once.ts";
import { type Store, writeFor } from "./store.ts";

/** A layer that a filler can read until its fill ends, or why it could not be fetched. */
export type GotLayer<F> =
  | { readonly ok: true; readonly path: string; readonly hit: boolean }
  | { readonly ok: false; readonly failure: F };

/** What a fill wants of one layer. */
export interface LayerRequest<F> {
  readonly digest: string;
  /** Bytes, from the image's manifest. */
  readonly size: number;
  /** Fetches and verifies the layer to a file that does not exist yet; gives undefined when it is whole. */
  readonly fetch: (file: string) => Promise<F | undefined>;
}

/**
 * Gives a layer to a fill, fetched once whoever wants it. The fill gets a hard link of its own, so that nothing which
 * is removed from the cache meanwhile goes away under it.
 */
export async function getLayer<F>(
  store: Store,
  fill: { readonly token: string; readonly directory: string },
  request: LayerRequest<F>,
): Promise<GotLayer<F>> {
  const hex = hexOf(request.digest);
  const kept = `${store.layout.layers}/${hex}`;
  const path = `${fill.directory}/${hex}`;
  return await once<GotLayer<F>>(store, {
    place: layerClaim(store.layout, hex),
    what: `layer ${hex.slice(0, 12)}`,
    notes: { beat: fill.token },
    appearsIn: store.layout.layers,
    find: async () =>
      borrow(kept, path, request.size, store.now()) ? { ok: true, path, hit: true } : undefined,
    make: async () => {
      const part = `${path}.part`;
      unlinkIfThere(part);
      const failure = await request.fetch(part);
      if (failure !== undefined) {
        unlinkIfThere(part);
        return { ok: false, failure };
      }
      await sync(part);
      renameSync(part, path);
      if (store.shared) chmodSync(path, 0o644);
      keep(path, kept, fill.token);
      return { ok: true, path, hit: false };
    },
  });
}

/** Links a kept layer to `path`; false when it is not there whole. */
function borrow(kept: string, path: string, size: number, now: number): boolean {
  const stats = lstatSync(kept, { throwIfNoEntry: false });
  if (!stats?.isFile() || stats.size !== size) return false;
  try {
    linkOrCopy(kept, path);
    setTime(kept, now);
  } catch (error) {
    // Removed just now, by one who needs the room.
    if (errorCode(error) === "ENOENT")
      return lstatSync(path, { throwIfNoEntry: false })?.size === size;
    throw error;
  }
  return lstatSync(path).size === size;
}

function keep(path: string, kept: string, token: string): void {
  const temporary = `${kept}.${token}.tmp`;
  linkOrCopy(path, temporary);
  renameSync(temporary, kept);
  // A rename between two links of one file does nothing at all.
  unlinkIfThere(temporary);
}

/** Some file systems have no hard links, or none between directories; Linux allows none to other users' files. */
function linkOrCopy(from: string, to: string): void {
  unlinkIfThere(to);
  try {
    linkSync(from, to);
  } catch (error) {
    if (!["EPERM", "EXDEV", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(errorCode(error)))
      throw error;
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}

/** Waits until a file or directory is on disk, without stopping this process meanwhile. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What was noted about a layer, e.g. its index; undefined when nothing was. */
export function layerNote(store: Store, digest: string): Buffer | undefined {
  try {
    return readFileSync(notePath(store, digest));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Notes something about a layer: parts that follow one another. */
export function noteLayer(store: Store, digest: string, note: readonly Uint8Array[]): void {
  writeFor(store, notePath(store, digest), note);
}

/** Drops a layer that proved to be damaged, with its note. */
export function dropLayer(store: Store, digest: string): void {
  unlinkIfThere(`${store.layout.layers}/${hexOf(digest)}`);
  unlinkIfThere(notePath(store, digest));
}

function notePath({ layout }: Store, digest: string): string {
  return `${layout.layers}/${hexOf(digest)}.note`;
}

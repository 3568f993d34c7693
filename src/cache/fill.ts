import { mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import type { Claim } from "../host/claim.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorCode, errorMessage, exists } from "../host/files.ts";
import { runCommand } from "../host/process.ts";
import type { Refusal } from "../plan/decision.ts";
import { sumOf } from "./checksum.ts";
import { beat, beatFile } from "./clock.ts";
import { type FilledEntry, findEntry, setTime, shapeProblem } from "./entry.ts";
import { makeRoom } from "./evict.ts";
import { type GotLayer, getLayer, type LayerRequest, sync } from "./layers.ts";
import { type EntryKey, entryName, imagePath } from "./layout.ts";
import { treeSize } from "./scan.ts";
import { isFull, neededText, noSpace, sizeText } from "./space.ts";
import { type Store, writeFor } from "./store.ts";
import { sweep } from "./sweep.ts";
import { discard, removeUnneeded } from "./trash.ts";
import { closeToOthers } from "./trust.ts";

/** What a job wants of the cache. */
export interface EntryRequest {
  readonly key: EntryKey;
  /** For people, e.g. `registry.example/group/image:tag`. */
  readonly reference: string;
  /** With what it is made, e.g. `builtin`. */
  readonly puller: string;
  /** Makes the image at `filling.image`; gives a refusal when it cannot, and throws for system failures. */
  readonly fill: (filling: Filling) => Promise<Refusal | undefined>;
}

/** What a fill works with. All of its files lie below one directory, which goes when the fill ends. */
export interface Filling {
  /** Path of the SquashFS file or directory to make. */
  readonly image: string;
  /** A path for other files of this fill; nothing is there yet. */
  readonly temporary: (name: string) => string;
  /** Gives a layer by digest, from the cache or by `fetch`. May be called for several layers at once. */
  readonly layer: <F>(request: LayerRequest<F>) => Promise<GotLayer<F>>;
  /**
   * Makes room for so many bytes (layers and image together) by removing what was not used for long, but none of
   * the layers with these digests.
   *
   * @throws SystemFailure with numbers when there cannot be enough
   */
  readonly makeRoom: (bytes: number, layers?: readonly string[]) => Promise<void>;
  /** Keeps something with the entry, see {@link FilledEntry.notes}. */
  readonly note: (name: string, value: string) => void;
  /** The failure to throw when a program says that the disk is full; bytes needed, where known. */
  readonly noSpace: (needed?: number) => SystemFailure;
}

/**
 * Makes one entry under a claim, so that a reader sees all of it or nothing: all in a directory of its own, synced,
 * looked at, then recorded, then renamed into place. Whoever was first wins.
 *
 * @returns a refusal of the fill, or undefined when the entry is to be looked for
 */
export async function fillEntry(
  store: Store,
  request: EntryRequest,
  work: { readonly place: string; readonly claim: Claim; readonly replaced: readonly string[] },
): Promise<Refusal | undefined> {
  const { layout } = store;
  for (const token of work.replaced) removeUnneeded(store, `${layout.tmp}/${token}`);
  await store.step("claimed");
  await sweep(store).catch((error: unknown) => {
    store.log.warn(`cannot tidy the image cache ${store.dir}: ${errorMessage(error)}`);
  });
  await removeTorn(store, request);
  const directory = `${layout.tmp}/${work.claim.token}`;
  const made = `${directory}/${entryName(request.key)}`;
  const notes: Record<string, string> = {};
  let timer: NodeJS.Timeout | undefined;
  try {
    mkdirSync(made, { recursive: true, mode: store.mode });
    writeFileSync(beatFile(layout, work.claim.token), ".");
    timer = setInterval(() => beat(layout, work.claim.token), store.heartbeat.every).unref();
    await store.step("made");
    const filling = workspace({ store, request, token: work.claim.token, directory, made, notes });
    const refusal = await request.fill(filling);
    if (refusal !== undefined) return refusal;
    await store.step("filled");
    await seal(store, request, made, notes);
    await publish(store, made);
    return undefined;
  } catch (error) {
    // Somebody took this process for dead, as after a long stop, and removed its files: then that one fills.
    if (!exists(`${work.place}/${work.claim.token}.json`) && errorCode(error) === "ENOENT")
      return undefined;
    if (!isFull(error)) throw error;
    const written = sizeText(treeSize(directory));
    // Before the free space is told.
    removeUnneeded(store, directory);
    throw noSpace(store, `image ${request.reference}`, `${written} were not enough`);
  } finally {
    clearInterval(timer);
    removeUnneeded(store, directory);
  }
}

async function removeTorn(store: Store, { key, reference }: EntryRequest): Promise<void> {
  const found = await findEntry(store, key);
  if (found.state !== "torn") return;
  store.log.warn(`image ${reference} in ${store.dir} is damaged and made again: ${found.why}`);
  // Jobs that started with it keep their files until gc finds them gone.
  discard(store, `${store.layout.entries}/${entryName(key)}`);
}

function workspace(fill: {
  readonly store: Store;
  readonly request: EntryRequest;
  readonly token: string;
  readonly directory: string;
  readonly made: string;
  readonly notes: Record<string, string>;
}): Filling {
  const { store, request, directory, made, notes } = fill;
  // An image may have the same layer twice.
  const layers = new Map<string, Promise<GotLayer<unknown>>>();
  return {
    image: imagePath(made, request.key.kind),
    temporary: (name) => `${directory}/${name}`,
    layer: <F>(wanted: LayerRequest<F>) => {
      const known = layers.get(wanted.digest) as Promise<GotLayer<F>> | undefined;
      const got = known ?? getLayer(store, fill, wanted);
      layers.set(wanted.digest, got);
      return got;
    },
    makeRoom: (bytes, layers) => makeRoom(store, `image ${request.reference}`, bytes, layers),
    note: (name, value) => {
      notes[name] = value;
    },
    noSpace: (needed) => noSpace(store, `image ${request.reference}`, neededText(needed)),
  };
}

/** Puts a finished image on disk for good and writes its record. */
async function seal(
  store: Store,
  request: EntryRequest,
  made: string,
  notes: Readonly<Record<string, string>>,
): Promise<void> {
  const { key, reference, puller } = request;
  const image = imagePath(made, key.kind);
  const problem = shapeProblem(image, key.kind);
  if (problem !== undefined) throw new SystemFailure(`image ${reference} is not whole: ${problem}`);
  if (store.shared) closeToOthers(made, store.mode);
  // Whole seconds: some file systems keep no more.
  const modified = Math.floor(statSync(image).mtimeMs / 1000) * 1000;
  if (key.kind === "sqfs") setTime(image, modified);
  await syncImage(image, key.kind, store.signal);
  const { checksum, size } = await sumOf(image, key.kind);
  await store.step("verified");
  const entry: FilledEntry = {
    version: 1,
    key,
    reference,
    size,
    modified,
    checksum,
    made: store.now(),
    by: store.holder,
    puller,
    notes,
  };
  writeFor(store, `${made}/entry.json`, JSON.stringify(entry));
  await sync(made);
  await store.step("marked");
}

async function syncImage(
  image: string,
  kind: EntryKey["kind"],
  signal: AbortSignal,
): Promise<void> {
  if (kind === "sqfs") return await sync(image);
  const run = await runCommand(["/usr/bin/env", "sync", "-f", image], {
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    cwd: "/",
    signal,
  });
  signal.throwIfAborted();
  if (run.outcome !== "exited" || run.status !== 0)
    throw new SystemFailure(`cannot write ${image} to disk: sync ${run.description}`);
}

async function publish(store: Store, made: string): Promise<void> {
  const { entries } = store.layout;
  const place = `${entries}/${made.slice(made.lastIndexOf("/") + 1)}`;
  try {
    renameSync(made, place);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(errorCode(error))) throw error;
    // Somebody else was first, which is as good.
  }
  await sync(entries);
  await store.step("renamed");
}

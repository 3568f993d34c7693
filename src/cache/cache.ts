import { release as giveUp } from "../host/claim.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorMessage, exists } from "../host/files.ts";
import { accept, type Verdict } from "../plan/decision.ts";
import { HEARTBEAT, serverClock } from "./clock.ts";
import { type FilledEntry, findEntry, noteUse } from "./entry.ts";
import { evict, type Removed } from "./evict.ts";
import { type EntryRequest, fillEntry } from "./fill.ts";
import { dropLayer, layerNote, noteLayer } from "./layers.ts";
import { type EntryKey, entryName, layoutOf, makeLayout } from "./layout.ts";
import { leasePlace, putLease, untilNotEvicted } from "./leases.ts";
import {
  du,
  exportEntry,
  gc,
  type RemovedEntry,
  rm,
  type Usage,
  type Verified,
  verify,
} from "./maintain.ts";
import { once } from "./once.ts";
import { type KnownReference, recall, remember } from "./refs.ts";
import { type ListedEntry, listEntries } from "./scan.ts";
import { type SharedWork, share } from "./share.ts";
import { isFull, neededText, noSpace } from "./space.ts";
import type { CacheOptions, Store } from "./store.ts";

import { checkDirectory, isWritable } from "./trust.ts";

/** More than a lease and its directory take. */
const LEASE_BYTES = 100_000;

/** An image that stays as it is until its lease is given back. */
export interface AcquiredEntry {
  /** Of the SquashFS file or the directory, for ch-run. */
  readonly path: string;
  /** For {@link ImageCache.release}; empty when the cache cannot be written to. */
  readonly lease: string;
  /** Whether it was there already. */
  readonly hit: boolean;
  /** Bytes on disk. */
  readonly size: number;
  readonly entry: FilledEntry;
}

export interface ImageCache {
  /** Gives a whole image with a lease on it. Makes it when it is absent: once, whoever else wants it, on any host. */
  acquire(request: EntryRequest): Promise<Verdict<AcquiredEntry>>;
  /** Whether the image is there whole at this moment. */
  has(key: EntryKey): Promise<boolean>;
  /** Gives a lease back; harmless when that was done before. */
  release(lease: string, token: string): void;
  remember(reference: string, arch: string, digest: string, grant: string): void;
  recall(reference: string, arch: string): KnownReference | undefined;
  /** What was noted about a layer; undefined when nothing was. */
  layerNote(digest: string): Buffer | undefined;
  noteLayer(digest: string, note: readonly Uint8Array[]): void;
  /** Drops a layer that proved to be damaged. */
  dropLayer(digest: string): void;
  /** See {@link share}; for what is found out about an image. */
  share<T>(work: SharedWork<T>): Promise<T>;
  readonly maintenance: Maintenance;
}

/** What admins do with a cache. All of it may run beside jobs and on several hosts at once. */
export interface Maintenance {
  ls(): ListedEntry[];
  du(): Usage;
  gc(): Promise<Removed[]>;
  verify(): Promise<Verified[]>;
  rm(selector: string): Promise<RemovedEntry[]>;
  /** Bytes copied. */
  export(selector: string, file: string): Promise<number>;
}

/**
 * Opens the cache of images in a directory; makes it if need be. Costs a few system calls.
 *
 * @throws SystemFailure when the directory cannot be used or trusted
 */
export function openCache(options: CacheOptions): ImageCache {
  const store = openStore(options);
  return {
    acquire: (request) => acquire(store, request),
    has: async (key) => (await findEntry(store, key)).state === "whole",
    release: (lease, token) => {
      if (lease !== "") giveUp(lease, token);
    },
    remember: (reference, arch, digest, grant) => remember(store, reference, arch, digest, grant),
    recall: (reference, arch) => recall(store, reference, arch),
    layerNote: (digest) => layerNote(store, digest),
    noteLayer: (digest, note) => noteLayer(store, digest, note),
    dropLayer: (digest) => dropLayer(store, digest),
    share: (work) => share(store, work),
    maintenance: {
      ls: () => listEntries(store),
      du: () => du(store),
      gc: () => gc(store),
      verify: () => verify(store),
      rm: (selector) => rm(store, selector),
      export: (selector, file) => exportEntry(store, selector, file),
    },
  };
}

/** See {@link openCache}. */
export function openStore(options: CacheOptions): Store {
  const { owner, mode } = checkDirectory(options);
  const layout = layoutOf(options.dir);
  const writable = isWritable(options.dir);
  try {
    if (writable) makeLayout(layout, mode);
  } catch (error) {
    if (isFull(error)) throw noSpace(options, "images", neededText(undefined));
    throw new SystemFailure(
      `cannot use ${options.dir} for the image cache: ${errorMessage(error)} (${options.key})`,
    );
  }
  return {
    ...options,
    layout,
    writable,
    heartbeat: options.heartbeat ?? HEARTBEAT,
    time: serverClock(layout),
    step: async (name) => await options.step?.(name),
    owner,
    mode,
  };
}

async function acquire(store: Store, request: EntryRequest): Promise<Verdict<AcquiredEntry>> {
  if (!store.writable) return accept(await useAsItIs(store, request));
  const lease = leasePlace(store.layout, entryName(request.key));
  let mine = false;
  let got: Verdict<AcquiredEntry> | undefined;
  try {
    mine = await leaseInFullDisk(store, lease);
    await untilNotEvicted(store, lease);
    got = await findOrFill(store, request, lease);
    return got;
  } catch (error) {
    throw isFull(error)
      ? noSpace(store, `image ${request.reference}`, neededText(undefined))
      : error;
  } finally {
    if (mine && !got?.ok) giveUp(lease, store.claim.token);
  }
}

/** Puts the job's lease down; where there is no room even for that, layers of other images go. */
async function leaseInFullDisk(store: Store, lease: string): Promise<boolean> {
  try {
    return putLease(lease, store.claim);
  } catch (error) {
    if (!isFull(error) || (await evict(store, LEASE_BYTES, { only: "layer" })).length === 0)
      throw error;
    return putLease(lease, store.claim);
  }
}

async function findOrFill(
  store: Store,
  request: EntryRequest,
  lease: string,
): Promise<Verdict<AcquiredEntry>> {
  const { key, reference } = request;
  const place = `${store.layout.filling}/${entryName(key)}`;
  return await once<Verdict<AcquiredEntry>>(store, {
    place,
    what: `image ${reference}`,
    notes: { reference },
    appearsIn: store.layout.entries,
    find: async () => {
      const found = await findEntry(store, key);
      if (found.state !== "whole") return undefined;
      noteUse(store, key);
      const { path, entry } = found;
      return accept({ path, lease, hit: true, size: entry.size, entry });
    },
    make: async (claim, replaced) => {
      const refusal = await fillEntry(store, request, { place, claim, replaced });
      if (refusal !== undefined) return { ok: false, refusal };
      const found = await findEntry(store, key);
      if (found.state === "whole") {
        const { path, entry } = found;
        return accept({ path, lease, hit: false, size: entry.size, entry });
      }
      // Somebody who took this process for dead makes it now.
      if (!exists(`${place}/${claim.token}.json`)) return undefined;
      const why = found.state === "torn" ? found.why : "it has gone";
      throw new SystemFailure(`cannot keep image ${reference} in ${store.dir}: ${why}`);
    },
  });
}

/** Without leases, so only as long as the owner of the cache removes nothing that is in use. */
async function useAsItIs(store: Store, { key, reference }: EntryRequest): Promise<AcquiredEntry> {
  const found = await findEntry(store, key);
  if (found.state === "whole") {
    const { path, entry } = found;
    return { path, lease: "", hit: true, size: entry.size, entry };
  }
  const why = found.state === "torn" ? `it is damaged there (${found.why})` : "it is not there";
  throw new SystemFailure(
    `cannot use image ${reference} from ${store.dir}: ${why}, and this user (uid ${store.uid}) cannot write to it; ` +
      `wanted: the image put there by the cache's owner, or a directory to write to (${store.key})`,
  );
}

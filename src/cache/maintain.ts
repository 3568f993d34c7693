import { copyFileSync, renameSync, rmSync } from "node:fs";
import { SystemFailure } from "../host/failure.ts";
import { removeTree } from "../host/remove-tree.ts";
import { fileChecksum, sumOf } from "./checksum.ts";
import { findEntry } from "./entry.ts";
import { evict, type Removed, removeEntry } from "./evict.ts";
import { dropLayer } from "./layers.ts";
import { hexOf, imagePath } from "./layout.ts";
import { readReference } from "./refs.ts";
import { type ListedEntry, listEntries, listLayers, namesIn, treeSize } from "./scan.ts";
import { freeBytes } from "./space.ts";
import type { Limits, Store } from "./store.ts";
import { sweep } from "./sweep.ts";

/** References without an image are only of use as long as somebody may ask for them again. */
const FORGET_MILLISECONDS = 30 * 24 * 3_600_000;

/** Number and bytes of one sort of things. */
export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** What a cache takes. */
export interface Usage {
  readonly entries: Amount;
  readonly layers: Amount;
  /** Fills in progress, and what killed ones left. */
  readonly unfinished: Amount;
  /** Thrown away, but not removed yet. */
  readonly trash: Amount;
  /** Bytes free in the file system. */
  readonly free: number;
  readonly limits: Limits;
}

export function du(store: Store): Usage {
  const entries = listEntries(store).map(({ size }) => size);
  const layers = listLayers(store).map(({ size }) => size);
  const below = (directory: string) =>
    namesIn(directory).map((name) => treeSize(`${directory}/${name}`));
  return {
    entries: amount(entries),
    layers: amount(layers),
    unfinished: amount(below(store.layout.tmp)),
    trash: amount(below(store.layout.trash)),
    free: freeBytes(store),
    limits: store.limits,
  };
}

function amount(sizes: readonly number[]): Amount {
  return { count: sizes.length, bytes: sizes.reduce((total, size) => total + size, 0) };
}

/**
 * Removes leftovers of killed processes, damaged entries, what is over the limits, and references that nobody asked
 * for since 30 days and whose image has gone. Leaves alone what running jobs and fills use.
 */
export async function gc(store: Store): Promise<Removed[]> {
  needWritable(store, "clean");
  return [...(await sweep(store)), ...(await evict(store, 0)), ...forget(store)];
}

function forget(store: Store): Removed[] {
  const kept = new Set(listEntries(store).map(({ key }) => key.digest));
  return namesIn(store.layout.refs).flatMap((name) => {
    const place = `${store.layout.refs}/${name}`;
    const record = readReference(place);
    if (record === undefined) return [];
    const isOld = store.now() - record.at > FORGET_MILLISECONDS;
    if (!kept.has(record.digest) && isOld) {
      removeTree(place);
      const because = "its image has gone";
      return [{ kind: "leftover", name: record.reference, size: 0, because } as const];
    }
    // Grants of digests that the reference had before.
    const old = namesIn(place).filter(
      (hex) => /^[0-9a-f]{64}$/.test(hex) && hex !== hexOf(record.digest),
    );
    for (const hex of old.filter((one) => !kept.has(`sha256:${one}`)))
      removeTree(`${place}/${hex}`);
    return [];
  });
}

/** What `verify` found of one entry or layer. */
export interface Verified {
  readonly kind: "entry" | "layer";
  readonly name: string;
  readonly reference?: string;
  /** Undefined when it is whole. */
  readonly problem: string | undefined;
  readonly outcome: "whole" | "removed" | "kept";
}

/** Reads all that the cache holds and compares checksums; removes what is damaged, unless a job uses it. */
export async function verify(store: Store): Promise<Verified[]> {
  const results: Verified[] = [];
  for (const { name, key, entry } of listEntries(store)) {
    const found = await findEntry(store, key);
    if (found.state === "absent") continue;
    let problem = found.state === "torn" ? found.why : undefined;
    if (found.state === "whole") {
      const { checksum } = await sumOf(found.path, key.kind);
      if (checksum !== found.entry.checksum)
        problem = `its checksum is ${checksum}; entry.json says ${found.entry.checksum}`;
    }
    const reference = entry === undefined ? {} : { reference: entry.reference };
    const outcome = problem === undefined ? "whole" : await dropped(store, name);
    results.push({ kind: "entry", name, ...reference, problem, outcome });
  }
  for (const { digest } of listLayers(store)) {
    const checksum = await fileChecksum(`${store.layout.layers}/${hexOf(digest)}`);
    const problem = checksum === digest ? undefined : `its checksum is ${checksum}`;
    if (problem !== undefined && store.writable) dropLayer(store, digest);
    const outcome = problem === undefined ? "whole" : store.writable ? "removed" : "kept";
    results.push({ kind: "layer", name: digest, problem, outcome });
  }
  return results;
}

async function dropped(store: Store, name: string): Promise<"removed" | "kept"> {
  return store.writable && (await removeEntry(store, name)) ? "removed" : "kept";
}

/** What became of an entry that was to be removed. */
export interface RemovedEntry {
  readonly name: string;
  readonly reference: string | undefined;
  readonly size: number;
  /** CI jobs that use it: then it stays. */
  readonly jobs: readonly string[];
}

/**
 * Removes the entries that `selector` means: a reference, a digest or its first eight or more digits, or an entry's
 * name. Gives an empty list when there are none.
 */
export async function rm(store: Store, selector: string): Promise<RemovedEntry[]> {
  needWritable(store, "remove anything from");
  const results: RemovedEntry[] = [];
  for (const listed of select(listEntries(store), selector)) {
    const { name, entry, size } = listed;
    const gone = await removeEntry(store, name);
    const jobs = gone ? [] : (listEntries(store).find((one) => one.name === name)?.jobs ?? []);
    results.push({ name, reference: entry?.reference, size, jobs });
  }
  return results;
}

/** The entries that a selector means, see {@link rm}. */
export function select(entries: readonly ListedEntry[], selector: string): ListedEntry[] {
  const digits = /^(?:sha256:)?([0-9a-f]{8,64})$/.exec(selector)?.[1];
  return entries.filter(
    ({ name, key, entry }) =>
      name === selector ||
      entry?.reference === selector ||
      (digits !== undefined && key.digest.startsWith(`sha256:${digits}`)),
  );
}

/**
 * Copies an entry's SquashFS file to `file`, which appears whole or not at all.
 *
 * @throws SystemFailure when the selector means no or several images, or a directory
 */
export async function exportEntry(store: Store, selector: string, file: string): Promise<number> {
  const found = select(listEntries(store), selector);
  const [only] = found;
  if (only === undefined || found.length > 1)
    throw new SystemFailure(
      `cannot export ${selector}: it means ${found.length} images of ${store.dir}; wanted: one, by reference, digest or name`,
    );
  const image = imagePath(`${store.layout.entries}/${only.name}`, only.key.kind);
  if (only.key.kind === "directory")
    throw new SystemFailure(
      `cannot export ${selector}: ${image} is a directory; wanted: a SquashFS image, or a copy by hand`,
    );
  const temporary = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    copyFileSync(image, temporary);
    const { checksum } = await sumOf(temporary, only.key.kind);
    if (checksum !== only.entry?.checksum)
      throw new SystemFailure(
        `cannot export ${selector}: ${image} is damaged; see jacamar cache verify`,
      );
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  return only.size;
}

function needWritable(store: Store, what: string): void {
  if (!store.writable)
    throw new SystemFailure(
      `cannot ${what} ${store.dir}: this user (uid ${store.uid}) cannot write to it`,
    );
}

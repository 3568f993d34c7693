import { lstatSync, readdirSync } from "node:fs";
import { errorCode } from "../host/files.ts";
import { type FilledEntry, readEntry } from "./entry.ts";
import { type EntryKey, keyOf } from "./layout.ts";
import { leasePlace, liveLeases } from "./leases.ts";
import type { Store } from "./store.ts";

const BLOCK = 512;

/** An entry as `ls` shows it. */
export interface ListedEntry {
  readonly name: string;
  readonly key: EntryKey;
  /** Undefined for one that has no readable record. */
  readonly entry: FilledEntry | undefined;
  /** Bytes on disk. */
  readonly size: number;
  /** Last use, milliseconds since 1970. */
  readonly used: number;
  /** CI job ids of those who use it; `?` for a lease that cannot be read. */
  readonly jobs: readonly string[];
}

export interface ListedLayer {
  readonly digest: string;
  /** Bytes, with its note. */
  readonly size: number;
  readonly used: number;
  /** Whether a fill reads it now. */
  readonly borrowed: boolean;
}

/** All entries, each looked at with a few system calls. */
export function listEntries(store: Store): ListedEntry[] {
  return namesIn(store.layout.entries).flatMap((name) => {
    const key = keyOf(name);
    if (key === undefined) return [];
    const directory = `${store.layout.entries}/${name}`;
    const entry = readEntry(directory);
    const stats =
      lstatSync(`${directory}/entry.json`, { throwIfNoEntry: false }) ??
      lstatSync(directory, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    const leases = liveLeases(leasePlace(store.layout, name), store.now());
    return {
      name,
      key,
      entry,
      size: entry?.size ?? treeSize(directory),
      used: stats.mtimeMs,
      jobs: leases.map((claim) => claim?.job ?? "?"),
    };
  });
}

export function listLayers(store: Store): ListedLayer[] {
  return namesIn(store.layout.layers).flatMap((hex) => {
    const stats = lstatSync(`${store.layout.layers}/${hex}`, { throwIfNoEntry: false });
    if (!/^[0-9a-f]{64}$/.test(hex) || !stats?.isFile()) return [];
    const { mtimeMs, nlink } = stats;
    const note = lstatSync(`${store.layout.layers}/${hex}.note`, { throwIfNoEntry: false });
    const size = stats.size + (note?.size ?? 0);
    return { digest: `sha256:${hex}`, size, used: mtimeMs, borrowed: nlink > 1 };
  });
}

/** Names in a directory; none when it is missing. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error))) return [];
    throw error;
  }
}

/** Bytes on disk of all that lies below a path; a file with several links counts in each. */
export function treeSize(path: string): number {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.blocks * BLOCK;
  return namesIn(path).reduce((total, name) => total + treeSize(`${path}/${name}`), 0);
}

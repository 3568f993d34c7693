import { closeSync, lstatSync, openSync, readSync, utimesSync } from "node:fs";
import { readJson } from "../host/files.ts";
import { sumOf } from "./checksum.ts";
import { type EntryKey, entryName, imagePath } from "./layout.ts";
import type { Store } from "./store.ts";
import { untrusted } from "./trust.ts";

/** What `entry.json` holds. An entry without a readable one is not whole. */
export interface FilledEntry {
  readonly version: 1;
  readonly key: EntryKey;
  /** What the image was asked for as, when it was made. */
  readonly reference: string;
  /** Bytes on disk. */
  readonly size: number;
  /** Of the image itself, milliseconds since 1970: another one asks for a look at the checksum. */
  readonly modified: number;
  /** See {@link sumOf}. */
  readonly checksum: string;
  /** When it was made, milliseconds since 1970. */
  readonly made: number;
  /** By which job, e.g. `job 42 on n1`. */
  readonly by: string;
  /** With what: `builtin`, `ch-image`. */
  readonly puller: string;
  /** What the filler wanted to keep with the image. */
  readonly notes: Readonly<Record<string, string>>;
}

/** An entry as it is on disk. */
export type Found =
  | { readonly state: "whole"; readonly entry: FilledEntry; readonly path: string }
  | { readonly state: "absent" }
  | { readonly state: "torn"; readonly why: string };

const MAGIC = 0x73717368;
const BYTES_USED_AT = 40;
const SUPERBLOCK_BYTES = 96;

/**
 * Looks whether an entry is whole. That costs a few system calls: only an image that was touched since it was made is
 * read, to compare its checksum.
 */
export async function findEntry(store: Store, key: EntryKey): Promise<Found> {
  const directory = `${store.layout.entries}/${entryName(key)}`;
  const entry = readEntry(directory);
  if (entry === undefined) {
    const there = lstatSync(directory, { throwIfNoEntry: false }) !== undefined;
    return there ? torn("entry.json is missing or broken") : { state: "absent" };
  }
  const path = imagePath(directory, key.kind);
  const why = untrusted(store, [directory, path]) ?? (await damage(path, entry));
  return why === undefined ? { state: "whole", entry, path } : torn(why);
}

function torn(why: string): Found {
  return { state: "torn", why };
}

/** The record of an entry; undefined when there is none, or none that this program wrote. */
export function readEntry(directory: string): FilledEntry | undefined {
  const value = readJson(`${directory}/entry.json`) as Partial<FilledEntry> | null | undefined;
  const complete =
    value?.version === 1 &&
    typeof value.size === "number" &&
    typeof value.modified === "number" &&
    typeof value.checksum === "string" &&
    directory.endsWith(`/${value.key === undefined ? "" : entryName(value.key)}`);
  return complete ? (value as FilledEntry) : undefined;
}

/** What is wrong with an image, in words; undefined for nothing. */
async function damage(path: string, entry: FilledEntry): Promise<string | undefined> {
  const problem = shapeProblem(path, entry.key.kind);
  if (problem !== undefined || entry.key.kind === "directory") return problem;
  const { size, mtimeMs } = lstatSync(path);
  if (size !== entry.size) return `${path} has ${size} bytes; entry.json says ${entry.size}`;
  if (Math.abs(mtimeMs - entry.modified) < 1) return undefined;
  const { checksum } = await sumOf(path, entry.key.kind);
  if (checksum !== entry.checksum) return `${path} has another checksum than entry.json says`;
  restoreTime(path, entry.modified);
  return undefined;
}

/** An image that is the same in spite of its time, as after a copy, need not be read each time. */
function restoreTime(path: string, modified: number): void {
  try {
    setTime(path, modified);
  } catch {
    // Another user's, or a read-only file system.
  }
}

/** Sets the time of a file's last change, milliseconds since 1970. */
export function setTime(path: string, milliseconds: number): void {
  utimesSync(path, milliseconds / 1000, milliseconds / 1000);
}

/** What keeps a file or directory from being an image at all, in words. */
export function shapeProblem(path: string, kind: EntryKey["kind"]): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return `${path} is missing`;
  if (kind === "directory") return stats.isDirectory() ? undefined : `${path} is not a directory`;
  if (!stats.isFile()) return `${path} is not a file`;
  const block = head(path);
  if (block.length < SUPERBLOCK_BYTES || block.readUInt32LE(0) !== MAGIC)
    return `${path} is not a SquashFS image`;
  const used = Number(block.readBigUInt64LE(BYTES_USED_AT));
  return used > stats.size
    ? `${path} has ${stats.size} bytes; its SquashFS superblock says ${used}`
    : undefined;
}

function head(path: string): Buffer {
  const block = Buffer.alloc(SUPERBLOCK_BYTES);
  const fd = openSync(path, "r");
  try {
    return block.subarray(0, readSync(fd, block, 0, SUPERBLOCK_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}

/** Notes that an entry was used now: its record's time is what eviction goes by. */
export function noteUse(store: Store, key: EntryKey): void {
  try {
    setTime(`${store.layout.entries}/${entryName(key)}/entry.json`, store.now());
  } catch {
    // A read-only cache: its owner's jobs alone count.
  }
}

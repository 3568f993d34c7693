import { lstatSync, readdirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { SystemFailure } from "../host/failure.ts";
import { exists } from "../host/files.ts";

/** Name of an image's directory below `<storage>/img`. */
export function storageName(reference: string): string {
  return reference.replaceAll("/", "%").replaceAll(":", "+");
}

export function imageDirectory(storage: string, reference: string): string {
  return `${storage}/img/${storageName(reference)}`;
}

/**
 * Whether the image is there whole. ch-image writes this file last; `ch-image list` shows half images too, takes the
 * storage's lock, and answers 0 when it does not get it.
 */
export function isComplete(storage: string, reference: string): boolean {
  return exists(`${imageDirectory(storage, reference)}/ch/metadata.json`);
}

/**
 * Checks that a storage directory can be trusted and be initialised by ch-image, which refuses a directory that holds
 * nothing but the mount point that an earlier `ch-run` of a SquashFS image left there: that one is taken away.
 *
 * @throws SystemFailure when the directory belongs to somebody else or its parent is missing
 */
export function prepareStorage(storage: string, uid: number, key: string): void {
  const parent = storage.slice(0, storage.lastIndexOf("/")) || "/";
  if (!statSync(parent, { throwIfNoEntry: false })?.isDirectory()) {
    throw new SystemFailure(
      `image storage ${storage}: ${parent} is not a directory; wanted: an existing one (${key})`,
    );
  }
  const stats = lstatSync(storage, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (stats.uid !== uid && !stats.isSymbolicLink()) {
    throw new SystemFailure(
      `image storage ${storage} belongs to uid ${stats.uid}; wanted: uid ${uid} (${key})`,
    );
  }
  if (!exists(`${storage}/version`) && readdirSync(storage).every((name) => name === "mnt")) {
    if (exists(`${storage}/mnt`)) rmdirSync(`${storage}/mnt`);
    rmdirSync(storage);
  }
}

/** Who holds ch-image's own lock on the storage, for people: `ch-image pull … (pid 7)`; empty when it cannot be known. */
export function storageLockHolder(storage: string): string {
  const inode = statSync(`${storage}/lock`, { throwIfNoEntry: false })?.ino;
  if (inode === undefined) return "";
  for (const line of readText("/proc/locks").split("\n")) {
    // "1: FLOCK  ADVISORY  WRITE 2974 fe:00:5317740 0 EOF"; a waiting entry has "->" after the number.
    const match = /^\d+: \w+ +\w+ +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
    if (match && Number(match[2]) === inode) {
      const command = readText(`/proc/${match[1]}/cmdline`).split("\0").join(" ").trim();
      return `pid ${match[1]}${command === "" ? "" : `: ${command.slice(0, 120)}`}`;
    }
  }
  return "";
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

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
 * Whether the image is there whole. ch-image unpacks this file last; `ch-image list` shows half images too, takes the
 * storage's lock, and answers 0 when it does not get it.
 */
export function isComplete(storage: string, reference: string): boolean {
  const image = imageDirectory(storage, reference);
  return exists(`${image}/ch/metadata.json`) && !isBeingCommitted(image);
}

/** With the build cache, ch-image goes on changing a whole image's files until it renames the Git branch `NAME#`. */
function isBeingCommitted(image: string): boolean {
  const git = /^gitdir: (.*)$/m.exec(readText(`${image}/.git`))?.[1];
  return git !== undefined && readText(`${git}/HEAD`).trimEnd().endsWith("#");
}

/**
 * Checks that a storage directory, if there is one, can be trusted: images are programs.
 *
 * @throws SystemFailure when the directory or a link to it belongs to somebody else, or its parent is missing
 */
export function checkStorage(storage: string, uid: number, key: string): void {
  const parent = storage.slice(0, storage.lastIndexOf("/")) || "/";
  if (!statSync(parent, { throwIfNoEntry: false })?.isDirectory()) {
    throw new SystemFailure(
      `image storage ${storage}: ${parent} is not a directory; wanted: an existing one (${key})`,
    );
  }
  const entry = lstatSync(storage, { throwIfNoEntry: false });
  const owners = [
    ...(entry?.isSymbolicLink() && entry.uid !== 0 ? [entry.uid] : []),
    statSync(storage, { throwIfNoEntry: false })?.uid ?? uid,
  ];
  const foreign = owners.find((owner) => owner !== uid);
  if (foreign !== undefined) {
    throw new SystemFailure(
      `image storage ${storage} belongs to uid ${foreign}; wanted: uid ${uid} (${key})`,
    );
  }
}

/**
 * Takes away a storage directory that holds nothing but the mount point which an earlier `ch-run` of a SquashFS image
 * left there: ch-image makes a storage, but refuses to fill such a directory.
 */
export function prepareStorage(storage: string): void {
  if (!lstatSync(storage, { throwIfNoEntry: false })?.isDirectory()) return;
  if (exists(`${storage}/version`) || !readdirSync(storage).every((name) => name === "mnt")) return;
  if (exists(`${storage}/mnt`)) rmdirSync(`${storage}/mnt`);
  rmdirSync(storage);
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

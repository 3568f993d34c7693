import { statfsSync } from "node:fs";
import { SystemFailure } from "../host/failure.ts";
import { errorCode, exists } from "../host/files.ts";
import type { Store } from "./store.ts";

/** Bytes that this user can still write to the cache's file system. */
export function freeBytes(store: Pick<Store, "dir">): number {
  const { bavail, bsize } = statfsSync(store.dir);
  return bavail * bsize;
}

/** Bytes of the file system that a path is on, or will be on once it is made. */
export function capacityOf(path: string): number {
  const { blocks, bsize } = statfsSync(nearest(path));
  return blocks * bsize;
}

/** The path, or what is there of it. */
function nearest(path: string): string {
  return exists(path) ? path : nearest(path.slice(0, path.lastIndexOf("/")) || "/");
}

/** A size for people: `512 B`, `3.4 MB`, `12 GB`; powers of 1000, as disks are sold. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Whether an error says that the disk or the quota is full. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(errorCode(error));
}

/**
 * The failure of a job whose image finds no room.
 *
 * @param needed what is known of that, e.g. `about 3 GB are needed`
 */
export function noSpace(
  { dir, key }: Pick<Store, "dir" | "key">,
  what: string,
  needed: string,
): SystemFailure {
  const free = sizeText(freeBytes({ dir }));
  return new SystemFailure(
    `cannot keep ${what} in ${dir}: no space left: ${free} are free; ${needed}; ` +
      `wanted: a larger file system (${key}), or a lower max_size, so that old images go earlier`,
  );
}

/** A number of bytes for {@link noSpace}. */
export function neededText(bytes: number | undefined): string {
  return bytes === undefined ? "more are needed" : `about ${sizeText(bytes)} are needed`;
}

import { renameSync } from "node:fs";
import { errorCode } from "../host/files.ts";
import { removeTree } from "../host/remove-tree.ts";
import type { Store } from "./store.ts";

/**
 * Takes a file or directory of the cache away in one step; its content goes with {@link emptyBag}.
 *
 * @returns where it lies now, or undefined when it was gone
 */
export function discard(store: Store, path: string): string | undefined {
  const bag = `${store.layout.trash}/${path.slice(path.lastIndexOf("/") + 1)}~${crypto.randomUUID()}`;
  try {
    renameSync(path, bag);
    return bag;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Removes what nobody needs. What cannot be removed now, as while a killed job's programs still write to it, is left to
 * a later gc: it is no reason for a job to fail.
 *
 * @returns whether it is gone
 */
export function removeUnneeded(store: Store, path: string | undefined): boolean {
  try {
    if (path !== undefined) removeTree(path);
    return true;
  } catch (error) {
    store.log.debug(`cannot remove ${path} yet: ${String(error)}`);
    return false;
  }
}

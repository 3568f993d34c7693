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

/** Removes what was discarded. What cannot be removed now is left to a later gc. */
export function emptyBag(store: Store, bag: string | undefined): void {
  try {
    if (bag !== undefined) removeTree(bag);
  } catch (error) {
    store.log.debug(`cannot remove ${bag} yet: ${String(error)}`);
  }
}

import { lstatSync, rmdirSync } from "node:fs";
import { places, release, tokens } from "../host/claim.ts";
import { errorCode } from "../host/files.ts";
import { removeTree } from "../host/remove-tree.ts";
import { holderOf } from "./clock.ts";
import { findEntry } from "./entry.ts";
import { type Removed, removeEntry } from "./evict.ts";
import { keyOf } from "./layout.ts";
import { dropDeadMarks, leasePlace, liveLeases } from "./leases.ts";
import { claimPlace } from "./once.ts";
import { namesIn, treeSize } from "./scan.ts";
import type { Store } from "./store.ts";
import { removeUnneeded } from "./trash.ts";

/** Nothing that one call makes and another removes lives for so long. */
const ABANDONED_MILLISECONDS = 3_600_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Removes what killed processes left: claims, leases and unfinished images of the dead, entries that were thrown away,
 * damaged entries. Touches nothing of a live fill or job. Costs a few readdir(3).
 */
export async function sweep(store: Store): Promise<Removed[]> {
  // First what is there, then who lives: a filler claims before it makes its directory.
  const unfinished = namesIn(store.layout.tmp);
  const removed: Removed[] = [];
  const drop = (path: string, because: string) => {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
    const size = treeSize(path);
    const name = path.slice(store.layout.root.length + 1);
    if (removeUnneeded(store, path)) removed.push({ kind: "leftover", name, size, because });
  };
  const alive = new Set(liveFillers(store));
  for (const name of unfinished) {
    const path = `${store.layout.tmp}/${name}`;
    if (UUID.test(name) ? !alive.has(name) : isAbandoned(store, path))
      drop(path, "its filler is gone");
  }
  sweepLeases(store);
  for (const name of namesIn(store.layout.trash)) {
    const entry = name.slice(0, name.lastIndexOf("~"));
    // A job that began with an entry before it was found damaged may still have it open.
    if (liveLeases(leasePlace(store.layout, entry), store.now()).length === 0)
      drop(`${store.layout.trash}/${name}`, "was thrown away");
  }
  for (const directory of [store.layout.layers, store.layout.entries]) {
    for (const name of namesIn(directory)) {
      const path = `${directory}/${name}`;
      if (isTemporary(directory, name) && isAbandoned(store, path)) drop(path, "was left behind");
    }
  }
  return [...removed, ...(await sweepTorn(store))];
}

/** Tokens of live fillers; claims of the dead are taken over and given up. */
function liveFillers(store: Store): string[] {
  const alive: string[] = [];
  for (const name of places(store.layout.filling, store.now())) {
    const place = `${store.layout.filling}/${name}`;
    const held = tokens(place);
    const live = held.filter((token) => holderOf(store, place, token).state === "alive");
    alive.push(...live);
    if (live.length > 0) continue;
    const claimed = held.length > 0 ? claimPlace(store, { place, notes: {} }) : undefined;
    if (claimed) release(place, claimed.claim.token);
    else removeEmpty(place);
  }
  return alive;
}

function sweepLeases(store: Store): void {
  for (const name of namesIn(store.layout.inUse)) {
    const place = `${store.layout.inUse}/${name}`;
    liveLeases(place, store.now());
    dropDeadMarks(store, place);
    for (const file of namesIn(place)) {
      if (file.endsWith(".tmp") && isAbandoned(store, `${place}/${file}`))
        removeTree(`${place}/${file}`);
    }
    removeEmpty(place);
  }
}

async function sweepTorn(store: Store): Promise<Removed[]> {
  const removed: Removed[] = [];
  for (const name of namesIn(store.layout.entries)) {
    const key = keyOf(name);
    const found = key && (await findEntry(store, key));
    if (found?.state !== "torn") continue;
    const size = treeSize(`${store.layout.entries}/${name}`);
    if (await removeEntry(store, name))
      removed.push({ kind: "entry", name, size, because: `damaged: ${found.why}` });
  }
  return removed;
}

function isTemporary(directory: string, name: string): boolean {
  if (name.startsWith(".probe-") || name.endsWith(".tmp")) return true;
  const layer = /^([0-9a-f]{64})\.note$/.exec(name)?.[1];
  return (
    layer !== undefined &&
    lstatSync(`${directory}/${layer}`, { throwIfNoEntry: false }) === undefined
  );
}

function isAbandoned(store: Store, path: string): boolean {
  const changed = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return changed !== undefined && store.time() - changed > ABANDONED_MILLISECONDS;
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT", "ENOTDIR"].includes(errorCode(error))) throw error;
  }
}

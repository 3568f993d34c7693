import { type Item, planEviction } from "./eviction-plan.ts";
import { dropLayer } from "./layers.ts";
import { unlessLeased } from "./leases.ts";
import { listEntries, listLayers } from "./scan.ts";
import { freeBytes, isFull, neededText, noSpace, sizeText } from "./space.ts";
import type { Store } from "./store.ts";
import { discard, removeUnneeded } from "./trash.ts";

/** What was removed, and why. */
export interface Removed {
  readonly kind: "layer" | "entry" | "leftover";
  readonly name: string;
  /** Bytes; 0 where nobody looked. */
  readonly size: number;
  readonly because: string;
}

/** What an eviction is to look at. */
export interface Choice {
  /** Things of this kind alone. */
  readonly only?: Item["kind"];
  /** Digests of layers that are about to be read. */
  readonly spare?: readonly string[];
}

/** Removes what the limits leave no room for when `expected` bytes more are to come. */
export async function evict(
  store: Store,
  expected: number,
  { only, spare = [] }: Choice = {},
): Promise<Removed[]> {
  const { expired, candidates, toFree } = planEviction({
    items: items(store)
      .filter(({ kind }) => only === undefined || kind === only)
      .map((item) => (spare.includes(item.name) ? { ...item, busy: true } : item)),
    limits: store.limits,
    free: freeBytes(store),
    expected,
    now: store.now(),
  });
  const removed: Removed[] = [];
  for (const item of expired) {
    if (await remove(store, item)) removed.push({ ...item, because: "unused for max_age" });
  }
  let freed = 0;
  for (const item of candidates) {
    if (freed >= toFree) break;
    if (!(await remove(store, item))) continue;
    freed += item.size;
    removed.push({ ...item, because: "least recently used" });
  }
  if (removed.length > 0) store.evicted?.(removed);
  return removed;
}

function items(store: Store): Item[] {
  const layers = listLayers(store).map(({ digest, size, used, borrowed }) => ({
    kind: "layer" as const,
    name: digest,
    size,
    used,
    busy: borrowed,
  }));
  const entries = listEntries(store).map(({ name, size, used, jobs }) => ({
    kind: "entry" as const,
    name,
    size,
    used,
    busy: jobs.length > 0,
  }));
  return [...layers, ...entries];
}

async function remove(store: Store, { kind, name }: Item): Promise<boolean> {
  if (kind === "entry") {
    try {
      return await removeEntry(store, name);
    } catch (error) {
      // No room even for the mark: layers need none.
      if (isFull(error)) return false;
      throw error;
    }
  }
  dropLayer(store, name);
  return true;
}

/** Removes an entry that no job uses; false when one does. Its name is free at once, before its content has gone. */
export async function removeEntry(store: Store, name: string): Promise<boolean> {
  let bag: string | undefined;
  const done = await unlessLeased(store, name, () => {
    bag = discard(store, `${store.layout.entries}/${name}`);
  });
  removeUnneeded(store, bag);
  return done;
}

/**
 * Makes room for a fill, which reads `layers` (digests). Where running jobs' images or other files keep `max_size` or `min_free` from being held, the
 * fill goes on: the limits hold again when those jobs have ended. Without room on disk it does not.
 *
 * @throws SystemFailure with numbers
 */
export async function makeRoom(
  store: Store,
  what: string,
  bytes: number,
  layers: readonly string[] = [],
): Promise<void> {
  const removed = await evict(store, bytes, { spare: layers });
  if (removed.length > 0) {
    const size = removed.reduce((total, one) => total + one.size, 0);
    const things =
      removed.length === 1 ? "1 old image or layer" : `${removed.length} old images and layers`;
    store.log.log(`Removed ${things} (${sizeText(size)}) from ${store.dir}`);
  }
  const left = freeBytes(store) - bytes;
  if (left < 0) throw noSpace(store, what, `${neededText(bytes)}, and nothing else in it can go`);
  const { minFree = 0 } = store.limits;
  if (left < minFree)
    store.log.warn(
      `${what} leaves about ${sizeText(left)} free in ${store.dir}, less than min_free (${sizeText(minFree)})`,
    );
}

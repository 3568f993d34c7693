import { release } from "../host/claim.ts";
import { isHeld } from "./clock.ts";
import { claimPlace } from "./once.ts";
import { isFull } from "./space.ts";
import type { Store } from "./store.ts";
import { type AwaitedWork, waitFor } from "./waiting.ts";

/** Something of which one result serves all who want it at the same time, but which each can make alone. */
export interface SharedWork<T> extends Omit<AwaitedWork, "place"> {
  /** A file name of its own among the claims of the cache. */
  readonly name: string;
  /** The result if it is there. */
  readonly find: () => T | undefined;
  /** Makes it, and puts a good one where `find` looks. */
  readonly make: () => Promise<T>;
}

/**
 * Finds a result or makes it; waits for somebody else who is at it already. When that one leaves none behind, each
 * makes its own: a failure of one is no news about the others.
 *
 * @throws what `make` throws, and the signal's reason when aborted while waiting
 */
export async function share<T>(store: Store, work: SharedWork<T>): Promise<T> {
  const found = work.find();
  if (found !== undefined) return found;
  const place = `${store.layout.filling}/${work.name}`;
  const claim = claimUnlessFull(store, place);
  if (claim === "held") return (await whatOtherMakes(store, place, work)) ?? (await work.make());
  try {
    // Somebody may have ended between the look and the claim.
    return work.find() ?? (await work.make());
  } finally {
    if (claim !== undefined) release(place, claim);
  }
}

/** The token of the claim; undefined where none can be made, which only costs doing it beside others. */
function claimUnlessFull(store: Store, place: string): string | "held" | undefined {
  if (!store.writable) return undefined;
  try {
    return claimPlace(store, { place, notes: {} })?.claim.token ?? "held";
  } catch (error) {
    if (isFull(error)) return undefined;
    throw error;
  }
}

async function whatOtherMakes<T>(
  store: Store,
  place: string,
  work: SharedWork<T>,
): Promise<T | undefined> {
  const waiting = waitFor(store, { ...work, place });
  try {
    while (isHeld(store, place)) {
      await waiting.next();
      store.signal.throwIfAborted();
      const found = work.find();
      if (found !== undefined) return found;
    }
    return work.find();
  } finally {
    waiting.close();
  }
}

import { mkdirSync, rmdirSync } from "node:fs";
import { type Claim, newClaim, release, take, takeOver, tokens } from "../host/claim.ts";
import { identify } from "../host/proc.ts";
import { holderOf, isHeld, pidSpace } from "./clock.ts";
import type { Store } from "./store.ts";
import { waitFor } from "./waiting.ts";

/** Something that is made once, however many want it. */
export interface Work<T> {
  /** Place of the claim. */
  readonly place: string;
  /** For the line of those who wait, e.g. `image r.example/a:1`. */
  readonly what: string;
  readonly notes?: Readonly<Record<string, string>>;
  /** Directory in which the result appears. */
  readonly appearsIn: string;
  /** The result if it is there. */
  readonly find: () => Promise<T | undefined>;
  /**
   * Makes it, with the claim in hand; undefined to look again. `replaced`: tokens of dead holders, whose leftovers may
   * go.
   */
  readonly make: (claim: Claim, replaced: readonly string[]) => Promise<T | undefined>;
}

/** No filler is given more time than this, whatever its process and heartbeat say. */
const LONGEST_MILLISECONDS = 7 * 24 * 3_600_000;

/**
 * Finds a result or makes it under a claim; waits while somebody else does, and takes over from the dead.
 *
 * @throws what `make` throws, and the signal's reason when aborted while waiting
 */
export async function once<T>(store: Store, work: Work<T>): Promise<T> {
  const waiting = waitFor(store, { ...work, doing: "getting" });
  try {
    for (;;) {
      store.signal.throwIfAborted();
      const got = (await work.find()) ?? (await makeUnlessHeld(store, work));
      if (got !== undefined) return got;
      await waiting.next();
      askServer(work.appearsIn);
    }
  } finally {
    waiting.close();
  }
}

/** Makes it if nobody else does; undefined to look again. */
async function makeUnlessHeld<T>(store: Store, work: Work<T>): Promise<T | undefined> {
  const claimed = claimPlace(store, work);
  if (claimed === undefined) return undefined;
  try {
    askServer(work.appearsIn);
    return (await work.find()) ?? (await work.make(claimed.claim, claimed.replaced));
  } finally {
    release(work.place, claimed.claim.token);
  }
}

/** Claims a place that nobody holds, or only the dead; `replaced` are their tokens. */
export function claimPlace(
  store: Store,
  { place, notes }: Pick<Work<unknown>, "place" | "notes">,
): { readonly claim: Claim; readonly replaced: readonly string[] } | undefined {
  const replaced = tokens(place);
  if (isHeld(store, place)) return undefined;
  const claim = newClaim({
    job: store.claim.job,
    holder: identify(process.pid),
    expires: store.now() + LONGEST_MILLISECONDS,
    notes: { who: store.holder, pids: pidSpace(), ...notes },
  });
  const mine =
    replaced.length === 0
      ? take(place, claim)
      : takeOver(
          place,
          claim,
          store.now(),
          (_, token) => holderOf(store, place, token).state !== "alive",
        );
  return mine ? { claim, replaced } : undefined;
}

/** An NFS client remembers for a while that a name does not exist, unless it changes that directory itself. */
export function askServer(directory: string): void {
  const probe = `${directory}/.probe-${crypto.randomUUID()}`;
  mkdirSync(probe, { mode: 0o700 });
  rmdirSync(probe);
}

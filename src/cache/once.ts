import { mkdirSync, rmdirSync } from "node:fs";
import { type Claim, newClaim, release, take, takeOver, tokens } from "../host/claim.ts";
import { identify } from "../host/proc.ts";
import { holderOf, holdersOf, pidSpace } from "./clock.ts";
import type { Store } from "./store.ts";

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
const FIRST_POLL_MILLISECONDS = 20;
const SLOWEST_POLL_MILLISECONDS = 200;
const FIRST_LINE_MILLISECONDS = 1000;
const NEXT_LINE_MILLISECONDS = 60_000;

/**
 * Finds a result or makes it under a claim; waits while somebody else does, and takes over from the dead.
 *
 * @throws what `make` throws, and the signal's reason when aborted while waiting
 */
export async function once<T>(store: Store, work: Work<T>): Promise<T> {
  const tell = teller(store, work.what);
  for (let poll = FIRST_POLL_MILLISECONDS; ; ) {
    store.signal.throwIfAborted();
    const found = await work.find();
    if (found !== undefined) return found;
    const claimed = claimPlace(store, work);
    if (claimed !== undefined) {
      try {
        askServer(work.appearsIn);
        const made = (await work.find()) ?? (await work.make(claimed.claim, claimed.replaced));
        if (made !== undefined) return made;
      } finally {
        release(work.place, claimed.claim.token);
      }
    }
    tell(work.place);
    await Bun.sleep(poll);
    askServer(work.appearsIn);
    poll = Math.min(poll * 1.5, SLOWEST_POLL_MILLISECONDS);
  }
}

/** Claims a place that nobody holds, or only the dead; `replaced` are their tokens. */
export function claimPlace(
  store: Store,
  { place, notes }: Pick<Work<unknown>, "place" | "notes">,
): { readonly claim: Claim; readonly replaced: readonly string[] } | undefined {
  const replaced = tokens(place);
  if (holdersOf(store, place).some(({ state }) => state === "alive")) return undefined;
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

/** Says now and then for whom a job waits, and for how long that one has been at it. */
function teller(store: Store, what: string): (place: string) => void {
  const start = performance.now();
  let next = start + FIRST_LINE_MILLISECONDS;
  return (place) => {
    if (performance.now() < next) return;
    next = performance.now() + NEXT_LINE_MILLISECONDS;
    const holder = holdersOf(store, place).find(({ state }) => state === "alive");
    if (holder?.state !== "alive") return;
    const who = holder.claim?.notes["who"] ?? "another job";
    const seconds = Math.round(holder.milliseconds / 1000);
    store.log.log(`Waiting for ${what}, which ${who} has been getting for ${seconds} s`);
  };
}

import { asClaim, type Claim, newClaim, release, tokens } from "../host/claim.ts";
import { errorCode, exists, readJson, writeAtomically } from "../host/files.ts";
import { identify } from "../host/proc.ts";
import { holderOf, livenessOf, pidSpace } from "./clock.ts";
import { type Layout, makeDirectory } from "./layout.ts";
import type { Store } from "./store.ts";

/** Tells a mark, which an eviction leaves among the leases, from a lease. */
const EVICTION = "eviction";
const EVICTION_MILLISECONDS = 3_600_000;
const POLL_MILLISECONDS = 10;

/**
 * Leases of jobs on entries. A job puts its lease down and then looks for the marks of evictions; an eviction puts its
 * mark down and then looks for leases. Both are files of one directory, so whichever comes second sees the first, also
 * on NFS, where a host that has just changed a directory does not read an old copy of it.
 */
export function leasePlace(layout: Layout, name: string): string {
  return `${layout.inUse}/${name}`;
}

/** Puts a job's lease down; false when the job holds it already. */
export function putLease(place: string, claim: Claim): boolean {
  if (exists(`${place}/${claim.token}.json`)) return false;
  put(place, { ...claim, notes: { ...claim.notes, pids: pidSpace() } });
  return true;
}

function put(place: string, claim: Claim): void {
  for (let tries = 0; ; tries++) {
    try {
      makeDirectory(place, 0o755);
      writeAtomically(`${place}/${claim.token}.json`, JSON.stringify(claim));
      return;
    } catch (error) {
      // Whoever gives the last lease up takes the directory away.
      if (errorCode(error) !== "ENOENT" || tries > 100) throw error;
    }
  }
}

/** Waits until no eviction of the entry is going on; the own lease stops all later ones. */
export async function untilNotEvicted(store: Store, place: string): Promise<void> {
  while (dropDeadMarks(store, place) > 0) {
    store.signal.throwIfAborted();
    await Bun.sleep(POLL_MILLISECONDS);
  }
}

/** Removes marks that killed evictions left; gives the number of live ones. */
export function dropDeadMarks(store: Store, place: string): number {
  let live = 0;
  for (const token of tokens(place)) {
    const claim = asClaim(readJson(`${place}/${token}.json`));
    if (claim?.notes["work"] !== EVICTION) continue;
    const holder = holderOf(store, place, token);
    if (holder.state === "dead") release(place, token);
    if (holder.state === "alive") live++;
  }
  return live;
}

/** Leases of live jobs on an entry; stale ones are dropped. One that cannot be read counts. */
export function liveLeases(place: string, now: number): (Claim | undefined)[] {
  const live: (Claim | undefined)[] = [];
  for (const token of tokens(place)) {
    const file = `${place}/${token}.json`;
    const claim = asClaim(readJson(file));
    if (claim?.notes["work"] === EVICTION) continue;
    if (claim && (now > claim.expires || livenessOf(claim) === "dead")) release(place, token);
    else if (claim || exists(file)) live.push(claim);
  }
  return live;
}

/**
 * Runs `work`, which takes an entry away in one step, unless a job has a lease on it.
 *
 * @returns whether it ran
 */
export async function unlessLeased(store: Store, name: string, work: () => void): Promise<boolean> {
  const place = leasePlace(store.layout, name);
  if (liveLeases(place, store.now()).length > 0) return false;
  const mark = newClaim({
    job: "eviction",
    holder: identify(process.pid),
    expires: store.now() + EVICTION_MILLISECONDS,
    notes: { work: EVICTION, pids: pidSpace() },
  });
  put(place, mark);
  try {
    await store.step("evict-marked");
    if (liveLeases(place, store.now()).length > 0) return false;
    // After a long stop this process may count as dead, and its mark be gone.
    if (!exists(`${place}/${mark.token}.json`)) return false;
    work();
    await store.step("evict-moved");
    return true;
  } finally {
    release(place, mark.token);
  }
}

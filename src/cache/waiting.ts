import { claimsOn, tokens } from "../host/claim.ts";
import { type DirectoryWatch, watchDirectory } from "../host/directory-watch.ts";
import { holdersOf, pidSpace } from "./clock.ts";
import type { Store } from "./store.ts";

/** Waits until it is worth looking again at something that another process makes. */
export interface Waiting {
  /** Ends when the place has changed, or after a while; also when the signal has aborted. */
  readonly next: () => Promise<void>;
  readonly close: () => void;
}

const FIRST_POLL_MILLISECONDS = 20;
const SLOWEST_POLL_MILLISECONDS = 200;
/** What a holder of this host does is seen at once; what is left to look for is its death. */
const LOCAL_POLL_MILLISECONDS = 1000;
const FIRST_LINE_MILLISECONDS = 1000;
const NEXT_LINE_MILLISECONDS = 60_000;

/** Something that another process has in hand. */
export interface AwaitedWork {
  /** Of that one's claim. */
  readonly place: string;
  /** For the line of those who wait, e.g. `image r.example/a:1`, and what the holder does with it: `getting`. */
  readonly what: string;
  readonly doing: string;
}

/** Waits for whoever holds a place, and says so now and then. */
export function waitFor(store: Store, awaited: AwaitedWork): Waiting {
  const { place } = awaited;
  const tell = teller(store, awaited);
  let watched: DirectoryWatch | undefined;
  let poll = FIRST_POLL_MILLISECONDS;
  const close = () => {
    watched?.close();
    watched = undefined;
  };
  const next = async () => {
    tell();
    if (watched === undefined) {
      watched = watchDirectory(place, store.signal);
      // Given up before it was watched.
      if (tokens(place).length === 0) return;
    }
    const wait = watched.works && isLocal(place) ? LOCAL_POLL_MILLISECONDS : poll;
    // A change may be another holder in another directory of that name.
    if (await watched.change(wait)) close();
    poll = Math.min(poll * 1.5, SLOWEST_POLL_MILLISECONDS);
  };
  return { next, close };
}

/** Whether all who hold a place are processes of this host, whose changes a watch here sees. */
function isLocal(place: string): boolean {
  return claimsOn(place).every((claim) => claim?.notes["pids"] === pidSpace());
}

/** Says now and then for whom a job waits, and for how long that one has been at it. */
function teller(store: Store, { place, what, doing }: AwaitedWork): () => void {
  const start = performance.now();
  let next = start + FIRST_LINE_MILLISECONDS;
  return () => {
    if (performance.now() < next) return;
    next = performance.now() + NEXT_LINE_MILLISECONDS;
    const holder = holdersOf(store, place).find(({ state }) => state === "alive");
    if (holder?.state !== "alive") return;
    const who = holder.claim?.notes["who"] ?? "another job";
    const seconds = Math.round(Math.max(0, store.time() - holder.since) / 1000);
    store.log.log(`Waiting for ${what}, which ${who} has been ${doing} for ${seconds} s`);
  };
}

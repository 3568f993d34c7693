import { chmodSync } from "node:fs";
import type { Claim } from "../host/claim.ts";
import { writeAtomically } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import type { Heartbeat } from "./clock.ts";
import type { Removed } from "./evict.ts";
import type { Layout } from "./layout.ts";

/** How much the cache may hold; what is absent is not limited. */
export interface Limits {
  /** Bytes of entries and layers. */
  readonly maxSize?: number;
  /** Seconds since the last use. */
  readonly maxAge?: number;
  /** Bytes that stay free in the file system. */
  readonly minFree?: number;
}

export interface CacheOptions {
  readonly dir: string;
  /** Who runs the job. */
  readonly uid: number;
  /** Whether the directory may belong to another user, whom the admin trusts. */
  readonly shared: boolean;
  readonly limits: Limits;
  /** Who asks, and until when it needs what it gets: becomes the lease. */
  readonly claim: Claim;
  /** For others who wait, e.g. `job 42 on n1`. */
  readonly holder: string;
  /** The key that decides where the cache is, for messages. */
  readonly key: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly heartbeat?: Heartbeat;
  /** Told what an eviction has removed. */
  readonly evicted?: (removed: readonly Removed[]) => void;
  /** Called at each step of a fill or eviction, for tests that stop a process right there. */
  readonly step?: (name: Step) => void | Promise<void>;
}

export type Step =
  | "claimed"
  | "made"
  | "filled"
  | "verified"
  | "marked"
  | "renamed"
  | "evict-marked"
  | "evict-moved";

/** An open cache. */
export interface Store extends CacheOptions {
  readonly layout: Layout;
  /** Whether this user can write to it; else whole entries are used as they are. */
  readonly writable: boolean;
  readonly heartbeat: Heartbeat;
  /** Now by the file server's clock, milliseconds since 1970. */
  readonly time: () => number;
  readonly step: (name: Step) => Promise<void>;
  /** uid whose files are trusted, besides root's. */
  readonly owner: number;
  /** Of directories that the cache makes. */
  readonly mode: number;
}

/** Writes a file that all who may enter the cache can read. */
export function writeFor(
  store: Pick<Store, "shared">,
  path: string,
  content: string | readonly Uint8Array[],
): void {
  writeAtomically(path, content, 0o644);
  // Whatever the umask says.
  if (store.shared) chmodSync(path, 0o644);
}

import { closeSync, fstatSync, openSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { asClaim, type Claim, tokens } from "../host/claim.ts";
import { readJson, unlinkIfThere } from "../host/files.ts";
import { identify, type Liveness, liveness } from "../host/proc.ts";
import type { Layout } from "./layout.ts";

/** How a process of another host shows that it lives; milliseconds. */
export interface Heartbeat {
  readonly every: number;
  /** Without a beat for so long it counts as dead. */
  readonly dead: number;
}

export const HEARTBEAT: Heartbeat = { every: 5000, dead: 60_000 };

/**
 * Now, milliseconds since 1970, by the clock of the file server: hosts need not agree on the time, and all ages here
 * are differences of two times of that one clock.
 */
export function fileServerTime(layout: Layout): number {
  const path = `${layout.tmp}/.clock-${crypto.randomUUID()}`;
  writeFileSync(path, "", { flag: "wx", mode: 0o600 });
  try {
    return statSync(path).mtimeMs;
  } finally {
    unlinkIfThere(path);
  }
}

/** Where the filler with this token leaves its heartbeat. */
export function beatFile(layout: Layout, token: string): string {
  return `${layout.tmp}/${token}/beat`;
}

/** Writes a byte, so that the server sets the time; utimes(2) would set that of this host. */
export function beat(layout: Layout, token: string): void {
  try {
    writeFileSync(beatFile(layout, token), ".", { flag: "r+" });
  } catch {
    // Taken away by somebody who thought us dead, or a full disk: the next step of the work will tell.
  }
}

/** Last change of a file, as the server has it; undefined when there is none. */
function changed(path: string): number | undefined {
  try {
    // NFS asks the server on open, while a plain stat may answer from its cache.
    const fd = openSync(path, "r");
    try {
      return fstatSync(fd).mtimeMs;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Whoever holds a claim in this cache: alive, dead, or with a claim that has gone meanwhile. */
export type Holder =
  | { readonly state: "alive"; readonly claim: Claim | undefined; readonly since: number }
  | { readonly state: "dead"; readonly claim: Claim | undefined }
  | { readonly state: "gone" };

/**
 * Judges a holder: on this host by its process, on another one by its heartbeat. `since` is when it took the
 * claim, by the server's clock.
 */
export function holderOf(store: Clocked, place: string, token: string): Holder {
  const file = `${place}/${token}.json`;
  const since = changed(file);
  if (since === undefined) return { state: "gone" };
  const claim = asClaim(readJson(file));
  const life = livenessOf(claim);
  if (life === "dead") return { state: "dead", claim };
  if (life === "unknown") {
    const beats = changed(beatFile(store.layout, claim?.notes["beat"] ?? token)) ?? 0;
    if (store.time() - Math.max(since, beats) > store.heartbeat.dead)
      return { state: "dead", claim };
  }
  return { state: "alive", claim, since };
}

/**
 * Where pids mean the same as here: one boot of one kernel, one pid namespace. Claims carry it as note `pids`, since
 * neither containers nor hosts need to have names of their own.
 */
export function pidSpace(): string {
  ownPidSpace ??= `${identify(process.pid).boot} ${pidNamespace()}`;
  return ownPidSpace;
}

let ownPidSpace: string | undefined;

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** `unknown` for whoever's process cannot be seen from here. */
export function livenessOf(claim: Claim | undefined): Liveness {
  return claim?.notes["pids"] === pidSpace() ? liveness(claim.holder) : "unknown";
}

/** What judging takes of a cache. */
export interface Clocked {
  readonly layout: Layout;
  readonly heartbeat: Heartbeat;
  /** Now by the file server's clock, milliseconds since 1970. */
  readonly time: () => number;
}

/** Those who hold `place`. */
export function holdersOf(store: Clocked, place: string): Holder[] {
  return tokens(place).map((token) => holderOf(store, place, token));
}

/** Whether a living process holds `place`. */
export function isHeld(store: Clocked, place: string): boolean {
  return holdersOf(store, place).some(({ state }) => state === "alive");
}

/** The file server's clock, asked once and then followed by the time that has passed here. */
export function serverClock(layout: Layout): () => number {
  let offset: number | undefined;
  return () => {
    offset ??= fileServerTime(layout) - performance.now();
    return offset + performance.now();
  };
}

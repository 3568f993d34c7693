import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { errorCode, readJson, unlinkIfThere, writeAtomically } from "./files.ts";
import { liveness, type ProcessIdentity } from "./proc.ts";

/**
 * A claim: something (a slot of build directories, an image in a storage) belongs to one running job.
 *
 * On disk a claim is a directory with one file in it, `PLACE/TOKEN.json`. It comes into being by renaming a directory
 * that already holds the file, which fails when PLACE holds one; it is given up by unlinking TOKEN.json (only the one
 * who knows the token can) and removing the empty directory. Each step is a single atomic call, also over NFS, and none
 * of them can hit a later claim on the same place.
 */
export interface Claim {
  readonly version: 1;
  readonly token: string;
  /** CI job id. */
  readonly job: string;
  /** The process whose death makes the claim stale: gitlab-runner. */
  readonly holder: ProcessIdentity;
  /** Milliseconds since 1970; from then on the claim is stale. */
  readonly expires: number;
  /** What the one who removes a stale claim must know. */
  readonly notes: Readonly<Record<string, string>>;
}

const ABANDONED_MILLISECONDS = 3_600_000;

export function newClaim(data: Omit<Claim, "version" | "token">): Claim {
  return { version: 1, token: crypto.randomUUID(), ...data };
}

/** Claims `place` if nobody holds it. The parent directory must exist. */
export function take(place: string, claim: Claim): boolean {
  const fresh = prepare(place, claim);
  try {
    renameSync(fresh, place);
    return true;
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (["ENOTEMPTY", "EEXIST"].includes(errorCode(error))) return false;
    throw error;
  }
}

/** Gives a claim up; false when it was not held any more. */
export function release(place: string, token: string): boolean {
  const held = unlinkIfThere(`${place}/${token}.json`);
  try {
    rmdirSync(place);
  } catch (error) {
    if (!["ENOTEMPTY", "ENOENT", "EEXIST"].includes(errorCode(error))) throw error;
  }
  return held;
}

/** Claims on `place`; unreadable and newer ones are left out of it by being undefined. */
export function claimsOn(place: string): (Claim | undefined)[] {
  return tokens(place).map((token) => asClaim(readJson(`${place}/${token}.json`)));
}

/** A claim of a dead holder or past its time. One that cannot be read is never stale: it is not ours to judge. */
export function isStale(claim: Claim | undefined, now: number): boolean {
  return claim !== undefined && (now > claim.expires || liveness(claim.holder) === "dead");
}

/**
 * Replaces the stale claims on `place` by `mine`. Of several that try at once exactly one gets true. The winner then
 * holds the place like any other claim, cleans up what the dead job left, and releases it. `stale` judges instead of
 * {@link isStale}, where more than the claim itself tells who is dead.
 */
export function takeOver(
  place: string,
  mine: Claim,
  now: number,
  stale: (claim: Claim | undefined, token: string) => boolean = (claim) => isStale(claim, now),
): boolean {
  const before = tokens(place).sort();
  const dead = (token: string) => stale(asClaim(readJson(`${place}/${token}.json`)), token);
  if (before.length === 0 || !before.every(dead)) return false;
  if (!join(place, mine)) return false;
  // All rivals go through the names in the same order, so only one of them finds each there.
  if (before.every((token) => unlinkIfThere(`${place}/${token}.json`))) return true;
  release(place, mine.token);
  return false;
}

/** Adds a claim to a place that exists; false when it has gone. What a kill leaves lies beside the place, not in it. */
function join(place: string, claim: Claim): boolean {
  const fresh = prepare(place, claim);
  try {
    renameSync(`${fresh}/${claim.token}.json`, `${place}/${claim.token}.json`);
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function prepare(place: string, claim: Claim): string {
  const fresh = `${place}.new-${claim.token}`;
  mkdirSync(fresh, { mode: 0o700 });
  try {
    writeAtomically(`${fresh}/${claim.token}.json`, JSON.stringify(claim));
  } catch (error) {
    // A full disk.
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  return fresh;
}

/** Names of the places below `directory`; removes what a killed `take` left there long ago. */
export function places(directory: string, now: number): string[] {
  const names = list(directory);
  for (const name of names.filter((n) => n.includes(".new-"))) {
    const age = now - (statSync(`${directory}/${name}`, { throwIfNoEntry: false })?.mtimeMs ?? now);
    if (age > ABANDONED_MILLISECONDS)
      rmSync(`${directory}/${name}`, { recursive: true, force: true });
  }
  return names.filter((name) => !name.includes(".new-"));
}

/** The tokens of all claims on `place`, also of those that cannot be read. */
export function tokens(place: string): string[] {
  return list(place)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length));
}

/** A claim as it is in its file; undefined for anything else. */
export function asClaim(value: unknown): Claim | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const claim = value as Partial<Claim>;
  const complete =
    claim.version === 1 &&
    typeof claim.token === "string" &&
    typeof claim.expires === "number" &&
    typeof claim.holder?.pid === "number";
  return complete ? (claim as Claim) : undefined;
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error))) return [];
    throw error;
  }
}

import { mkdirSync } from "node:fs";
import { type Claim, claimsOn, isStale, release } from "../host/claim.ts";
import { errorCode, writeAtomically } from "../host/files.ts";
import { storageName } from "./storage.ts";

const MAX_SLOTS = 100;
const LONGEST_FILE_NAME = 255;
/** No image of a registry can be called so: there, a name begins with a letter or a digit. */
const COPY = /^_jacamar-\d+\//;

/**
 * Names under which an image can be in the storage: its own, then those of copies. A copy keeps the tag or digest at
 * the end, where ch-image allows it.
 */
export function slotNames(reference: string): string[] {
  const path = reference.replace(/^[^/]*[.:][^/]*\//, (host) =>
    host.toLowerCase().replace(":", "-"),
  );
  return Array.from({ length: MAX_SLOTS }, (_, n) => (n === 0 ? reference : copyName(n, path)));
}

function copyName(number: number, path: string): string {
  const name = `_jacamar-${number}/${path}`;
  return storageName(name).length <= LONGEST_FILE_NAME
    ? name
    : `_jacamar-${number}/${new Bun.CryptoHasher("sha256").update(path).digest("hex")}`;
}

/** Whether the name is one that only this driver uses. */
export function isCopy(name: string): boolean {
  return COPY.test(name);
}

/** Where the leases on an image lie; `own` is the driver's directory beside the storage. */
export function leasePlace(own: string, name: string): string {
  return `${own}/in-use/${storageName(name)}`;
}

export function writeLease(place: string, claim: Claim): void {
  for (let tries = 0; ; tries++) {
    try {
      mkdirSync(place, { recursive: true, mode: 0o700 });
      writeAtomically(`${place}/${claim.token}.json`, JSON.stringify(claim));
      return;
    } catch (error) {
      // A job that ends takes the directory away with its own, last lease; in the middle of a recursive mkdir that is EEXIST.
      if (!["ENOENT", "EEXIST"].includes(errorCode(error)) || tries > 100) throw error;
    }
  }
}

/** Whether a live job holds a lease; stale ones are dropped. */
export function inUse(place: string, now: number): boolean {
  for (const claim of claimsOn(place)) {
    if (claim && isStale(claim, now)) release(place, claim.token);
  }
  return claimsOn(place).length > 0;
}

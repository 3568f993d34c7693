import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type Claim, newClaim, release } from "../host/claim.ts";
import { identify } from "../host/proc.ts";
import { parseReference } from "../plan/reference.ts";
import { inUse, isCopy, leasePlace, slotNames, writeLease } from "./image-leases.ts";

let own = "";
beforeEach(() => {
  own = mkdtempSync("/var/tmp/jacamar-leases-");
});
afterEach(() => rmSync(own, { recursive: true }));

function claim(change: Partial<Claim> = {}): Claim {
  const holder = identify(process.pid);
  return { ...newClaim({ job: "1", holder, expires: Date.now() + 60_000, notes: {} }), ...change };
}

/** ch-image's grammar of a name without a registry, from 0.31 to 0.45. */
const CH_IMAGE_NAME = /^([a-z0-9_.-]+\/)*[a-z0-9_.-]+(:[A-Za-z0-9_.-]+|@sha256:[0-9A-Fa-f]+)?$/;

test("slotNames() begins with the image's own name; all others are names for ch-image", () => {
  const digest = `@sha256:${"a".repeat(64)}`;
  for (const [reference, copy] of [
    ["debian:12", "_jacamar-1/debian:12"],
    ["group/a:V1", "_jacamar-1/group/a:V1"],
    ["r.example/a:1", "_jacamar-1/r.example/a:1"],
    ["127.0.0.1:5000/ci/tiny:latest", "_jacamar-1/127.0.0.1-5000/ci/tiny:latest"],
    ["Registry.Example:443/a:Tag", "_jacamar-1/registry.example-443/a:Tag"],
    [`r.example:5000/a${digest}`, `_jacamar-1/r.example-5000/a${digest}`],
  ] as const) {
    const names = slotNames(reference);
    expect([names[0], names[1]]).toEqual([reference, copy]);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names.slice(1)) expect(name).toMatch(CH_IMAGE_NAME);
  }
});

test("slotNames() makes no name that is too long for a directory", () => {
  const long = slotNames(`r.example/${"a".repeat(240)}:1`);
  const other = slotNames(`r.example/${"a".repeat(239)}b:1`);
  expect(Math.max(...long.slice(1).map((name) => name.length))).toBeLessThanOrEqual(255);
  expect(long[1]).toMatch(CH_IMAGE_NAME);
  expect(long[1]).not.toBe(other[1]);
});

test("no image of a job can have the name of a copy", () => {
  expect(isCopy("_jacamar-1/debian:12")).toBe(true);
  expect(parseReference("_jacamar-1/debian:12").ok).toBe(false);
  for (const name of ["jacamar-1/a:1", "jacamar-ci/alpine:1", "r.example/_jacamar-1/a:1"]) {
    expect([name, isCopy(name)]).toEqual([name, false]);
  }
});

test("an image is in use as long as a live job holds a lease", () => {
  const place = leasePlace(own, "a:1");
  const [first, second] = [claim(), claim()];
  expect(inUse(place, Date.now())).toBe(false);
  writeLease(place, first);
  writeLease(place, second);
  writeLease(place, second);
  expect(inUse(place, Date.now())).toBe(true);
  expect(release(place, first.token)).toBe(true);
  expect(inUse(place, Date.now())).toBe(true);
  expect(release(place, second.token)).toBe(true);
  expect(inUse(place, Date.now())).toBe(false);
  expect(readdirSync(`${own}/in-use`)).toEqual([]);
});

test("stale leases are dropped: of a dead runner, and after their time", () => {
  const place = leasePlace(own, "a:1");
  const now = Date.now();
  writeLease(place, claim({ holder: { ...identify(process.pid), start: "1" } }));
  writeLease(place, claim({ expires: now - 1 }));
  expect(inUse(place, now)).toBe(false);
  expect(readdirSync(`${own}/in-use`)).toEqual([]);
  const elsewhere = claim({ holder: { ...identify(process.pid), host: "elsewhere", start: "1" } });
  writeLease(place, elsewhere);
  expect(inUse(place, now)).toBe(true);
});

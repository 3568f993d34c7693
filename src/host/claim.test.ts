import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import {
  type Claim,
  claimsOn,
  isStale,
  newClaim,
  places,
  release,
  take,
  takeOver,
} from "./claim.ts";
import { identify } from "./proc.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync("/var/tmp/jacamar-claim-");
});
afterEach(() => rmSync(root, { recursive: true }));

function claim(change: Partial<Claim> = {}): Claim {
  const base = newClaim({
    job: "1",
    holder: identify(process.pid),
    expires: Date.now() + 60_000,
    notes: {},
  });
  return { ...base, ...change };
}

const DEAD = { ...identify(process.pid), start: "1" };

test("a place belongs to the first who takes it, until it is released", () => {
  const [a, b] = [claim(), claim()];
  expect(take(`${root}/000`, a)).toBe(true);
  expect(take(`${root}/000`, b)).toBe(false);
  expect(release(`${root}/000`, b.token)).toBe(false);
  expect(claimsOn(`${root}/000`)).toEqual([a]);
  expect(release(`${root}/000`, a.token)).toBe(true);
  expect(take(`${root}/000`, b)).toBe(true);
  expect(readdirSync(root)).toEqual(["000"]);
});

test("releasing twice is harmless and never releases a successor", () => {
  const [a, b] = [claim(), claim()];
  take(`${root}/000`, a);
  release(`${root}/000`, a.token);
  take(`${root}/000`, b);
  expect(release(`${root}/000`, a.token)).toBe(false);
  expect(claimsOn(`${root}/000`)).toEqual([b]);
});

test("a claim is stale when its holder is dead or its time is over, never because of another host", () => {
  const now = Date.now();
  expect(isStale(claim(), now)).toBe(false);
  expect(isStale(claim({ holder: DEAD }), now)).toBe(true);
  expect(isStale(claim({ expires: now - 1 }), now)).toBe(true);
  expect(isStale(claim({ holder: { ...DEAD, host: "elsewhere" } }), now)).toBe(false);
  expect(isStale(claim({ holder: { ...DEAD, boot: "before" } }), now)).toBe(true);
  expect(isStale(undefined, now)).toBe(false);
});

test("takeOver() replaces stale claims and leaves live ones alone", () => {
  take(`${root}/000`, claim());
  take(`${root}/001`, claim({ holder: DEAD }));
  expect(takeOver(`${root}/000`, claim(), Date.now())).toBe(false);
  const mine = claim();
  expect(takeOver(`${root}/001`, mine, Date.now())).toBe(true);
  expect(claimsOn(`${root}/001`)).toEqual([mine]);
  expect(takeOver(`${root}/001`, claim(), Date.now())).toBe(false);
  expect(takeOver(`${root}/none`, claim(), Date.now())).toBe(false);
});

test("of two rivals that both saw the same stale claim only one takes it over", () => {
  const stale = claim({ holder: DEAD });
  take(`${root}/000`, stale);
  const [a, b] = [claim(), claim()];
  expect(takeOver(`${root}/000`, a, Date.now())).toBe(true);
  // b's view is old: it still tries to unlink the stale claim, through the same steps.
  expect(release(`${root}/000`, stale.token)).toBe(false);
  expect(takeOver(`${root}/000`, b, Date.now())).toBe(false);
  expect(claimsOn(`${root}/000`)).toEqual([a]);
});

test("twenty processes that race for one place: exactly one gets it", async () => {
  const script = `
    const { take, newClaim } = await import("${import.meta.dir}/claim.ts");
    const { identify } = await import("${import.meta.dir}/proc.ts");
    const claim = newClaim({ job: "1", holder: identify(process.pid), expires: Date.now() + 60000, notes: {} });
    console.log(take("${root}/000", claim));`;
  const runs = Array.from({ length: 20 }, () =>
    Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" }),
  );
  const answers = await Promise.all(runs.map((run) => new Response(run.stdout).text()));
  expect(answers.filter((answer) => answer.trim() === "true")).toHaveLength(1);
  expect(readdirSync(root)).toEqual(["000"]);
});

test("places() leaves out what a killed take() left, and removes it when it is old", () => {
  take(`${root}/000`, claim());
  mkdirSync(`${root}/001.new-dead`);
  expect(places(root, Date.now())).toEqual(["000"]);
  utimesSync(`${root}/001.new-dead`, 0, 0);
  expect(places(root, Date.now())).toEqual(["000"]);
  expect(readdirSync(root)).toEqual(["000"]);
  expect(places(`${root}/nothing`, Date.now())).toEqual([]);
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { withLock } from "../host/lock.ts";
import { identify } from "../host/proc.ts";
import { ADMIN, claim, makeStore, NAME, type StoreFixture } from "./image-store-fixture.ts";
import { isComplete } from "./storage.ts";

let at: StoreFixture;
beforeEach(() => {
  at = makeStore();
});
afterEach(() => at.close());

test("an image in use is not pulled over: the next job gets a copy, which goes with its last job", async () => {
  const [a, b] = [claim(), claim()];
  const own = await at.acquire(["always"], { claim: a });
  const copy = await at.acquire(["always"], { claim: b });
  expect([own.name, copy.name]).toEqual([NAME, `_jacamar-1/${NAME}`]);
  expect(at.calls()[1]).toBe(`pull ${NAME} _jacamar-1/${NAME}`);
  const third = claim();
  const other = await at.acquire(["always"], { claim: third, anonymous: false });
  expect(other.name).toBe(`_jacamar-2/${NAME}`);
  await at.release(copy, b.token);
  expect(at.calls().at(-1)).toBe(`delete _jacamar-1/${NAME}`);
  expect(isComplete(at.storage, copy.name)).toBe(false);
  await at.release(own, a.token);
  await at.release(other, third.token);
  expect(at.calls().at(-1)).toBe(`delete _jacamar-2/${NAME}`);
  expect(isComplete(at.storage, NAME)).toBe(true);
  expect(readdirSync(`${at.storage}.jacamar/in-use`)).toEqual([]);
});

test("a copy that another job still uses stays", async () => {
  const asked = Date.now();
  await at.acquire(["always"], { anonymous: false });
  const [a, b] = [claim(), claim()];
  const first = await at.acquire(["always"], { claim: a });
  const second = await at.acquire(["always"], { claim: b, asked });
  expect([first.name, second.name]).toEqual([`_jacamar-1/${NAME}`, `_jacamar-1/${NAME}`]);
  await at.release(first, a.token);
  expect(isComplete(at.storage, first.name)).toBe(true);
  await at.release(second, b.token);
  expect(isComplete(at.storage, first.name)).toBe(false);
});

test("jobs that start together share one anonymous pull; with accounts each pulls its own", async () => {
  const asked = Date.now();
  const together = (anonymous: boolean) =>
    Promise.all(
      Array.from({ length: 8 }, () => at.acquire(["always"], { claim: claim(), asked, anonymous })),
    );
  expect(new Set((await together(true)).map(({ name }) => name))).toEqual(new Set([NAME]));
  expect(at.calls()).toHaveLength(1);
  expect(new Set((await together(false)).map(({ name }) => name)).size).toBe(8);
  expect(at.calls()).toHaveLength(9);
});

test("a pull from before the job asked is not fresh enough", async () => {
  await at.acquire(["always"]);
  await at.acquire(["always"], { asked: Date.now() + 1000 });
  expect(at.calls()).toHaveLength(2);
});

test("one job that uses an image twice pulls it once, and gives it back twice without harm", async () => {
  const same = claim();
  const asked = Date.now();
  const step = await at.acquire(["always"], { claim: same, asked });
  const helper = await at.acquire(["always"], { claim: same, asked, origin: ADMIN });
  expect(step.hit).toBe(false);
  expect(helper).toEqual({ ...step, hit: true });
  expect(at.calls()).toHaveLength(1);
  await at.release(step, same.token);
  await at.release(helper, same.token);
  expect(isComplete(at.storage, NAME)).toBe(true);
  expect(readdirSync(`${at.storage}.jacamar/in-use`)).toEqual([]);
});

test("the lease of a dead runner, or one past its time, keeps nobody from the image", async () => {
  const now = Date.now();
  await at.acquire(["always"], {
    claim: claim({ holder: { ...identify(process.pid), start: "1" } }),
  });
  await at.acquire(["always"], { claim: claim({ expires: now - 1 }) });
  expect((await at.acquire(["always"])).name).toBe(NAME);
  expect(at.calls()).toEqual(Array(3).fill(`pull ${NAME}`));
});

test("a digest stays one in the name of a copy", async () => {
  const reference = `r.example:5000/app@sha256:${"0".repeat(64)}`;
  await at.acquire(["always"], { reference });
  const copy = await at.acquire(["always"], { reference });
  expect(copy.name).toBe(`_jacamar-1/r.example-5000/app@sha256:${"0".repeat(64)}`);
});

test("giving back waits for nobody: the copy stays for the next job that needs one", async () => {
  await at.acquire(["always"], { anonymous: false });
  const mine = claim();
  const copy = await at.acquire(["always"], { claim: mine });
  const lock = { holder: "job 2", onWait: () => {}, signal: new AbortController().signal };
  at.lines.length = 0;
  await withLock(`${at.storage}.jacamar/lock`, lock, () => at.release(copy, mine.token));
  expect(isComplete(at.storage, copy.name)).toBe(true);
  expect(at.lines).toEqual([]);
  expect((await at.acquire(["always"])).name).toBe(copy.name);
});

test("giving back never fails, also when the storage has gone", async () => {
  await at.acquire(["always"], { anonymous: false });
  const mine = claim();
  const copy = await at.acquire(["always"], { claim: mine });
  await at.release(copy, "another-token");
  expect(isComplete(at.storage, copy.name)).toBe(true);
  chmodSync(`${at.dir}/ch-image`, 0o644);
  rmSync(at.storage, { recursive: true });
  writeFileSync(at.storage, "");
  rmSync(`${at.storage}.jacamar/lock`);
  mkdirSync(`${at.storage}.jacamar/lock`);
  await at.release(copy, mine.token);
  expect(at.lines.at(-1)).toMatch(/^warn: cannot give image .* back: /);
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import {
  type CacheWish,
  cacheAnswer,
  cacheOptions,
  digestOf,
  requestOf,
  squashFile,
  startCache,
} from "../../test/fixtures/cache-process.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { release } from "../host/claim.ts";
import { identify } from "../host/proc.ts";
import { openCache } from "./cache.ts";
import { planEviction } from "./eviction-plan.ts";
import type { CacheOptions } from "./store.ts";

const isRoot = process.getuid?.() === 0;

let fresh: FreshDirectory;
let dir = "";
let now = Date.now();
beforeEach(() => {
  fresh = freshDirectory("cache-evict");
  dir = `${fresh.path}/cache`;
  now = Date.now();
});
afterEach(() => fresh.remove());

function open(change: Partial<CacheOptions> = {}) {
  const options = cacheOptions(dir, { now: () => now, ...change });
  return { ...openCache(options), token: options.claim.token };
}

/** Fills or finds an image of 10,000 bytes with one layer of 1000, and gives its lease back unless told to keep it. */
async function use(image: string, keep = false, change: Partial<CacheOptions> = {}) {
  const cache = open(change);
  const got = await cache.acquire(
    requestOf(image, async (filling) => {
      await filling.makeRoom(11_000);
      await filling.layer({
        digest: digestOf(image),
        size: 1000,
        fetch: async (file) => writeFileSync(file, image.repeat(1000)) as undefined,
      });
      writeFileSync(filling.image, squashFile(10_000));
      return undefined;
    }),
  );
  if (!got.ok) throw new Error(got.refusal.message);
  if (!keep) cache.release(got.value.lease, cache.token);
  now += 1000;
  return { ...got.value, token: cache.token };
}

function kept(): string {
  const entries = readdirSync(`${dir}/v1/entries`).map((name) => name["sha256-".length]);
  const layers = readdirSync(`${dir}/v1/layers/sha256`).map((name) => name[0]);
  return `${entries.sort().join("")}/${layers.sort().join("")}`;
}

test("the plan: expired ones, then layers before entries, oldest first, until enough is free", () => {
  const item = (kind: "layer" | "entry", name: string, used: number, busy = false) => ({
    kind,
    name,
    size: 10,
    used,
    busy,
  });
  const items = [
    item("entry", "e1", 1_000_000),
    item("entry", "e2", 1_002_000),
    item("layer", "l1", 1_003_000),
    item("layer", "l2", 1_001_000),
    item("entry", "used", 0, true),
    item("entry", "old", 1000),
  ];
  const facts = { items, free: 100, expected: 0, now: 1_005_000 };
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
  const plan = planEviction({ ...facts, limits: { maxAge: 600, maxSize: 45 } });
  expect(names(plan.expired)).toEqual(["old"]);
  expect(names(plan.candidates)).toEqual(["l2", "l1", "e1", "e2"]);
  expect(plan.toFree).toBe(5);
  expect(planEviction({ ...facts, limits: {} })).toMatchObject({ expired: [], toFree: 0 });
  expect(planEviction({ ...facts, limits: { minFree: 120 } }).toFree).toBe(20);
  expect(planEviction({ ...facts, limits: {}, expected: 130 }).toFree).toBe(30);
  expect(planEviction({ ...facts, limits: { maxSize: 70 }, expected: 30 }).toFree).toBe(20);
});

test("before a fill that would not fit the least recently used goes", async () => {
  const limits = { maxSize: 34_000 };
  for (const image of ["1", "2", "3"]) await use(image, false, { limits });
  expect(kept()).toBe("123/123");
  await use("1", false, { limits });
  await use("4", false, { limits });
  // Three layers were not enough.
  expect(kept()).toBe("134/4");
});

test("making room spares the layers that the fill is about to read", async () => {
  for (const image of ["1", "2"]) await use(image);
  const cache = open({ limits: { maxSize: 22_500 } });
  const got = await cache.acquire(
    requestOf("3", async (filling) => {
      await filling.makeRoom(1000, [digestOf("1")]);
      writeFileSync(filling.image, squashFile(1000));
      return undefined;
    }),
  );
  expect(got.ok).toBe(true);
  // The younger layer went instead.
  expect(kept()).toBe("123/1");
});

test("what a job uses is never evicted, whatever the limits; after its time it is", async () => {
  const { token, lease } = await use("1", true);
  await use("2");
  const { maintenance } = open({ limits: { maxSize: 0, maxAge: 0 } });
  expect((await maintenance.gc()).map(({ kind }) => kind).sort()).toEqual([
    "entry",
    "layer",
    "layer",
  ]);
  expect(kept()).toBe("1/");
  expect(maintenance.ls()).toMatchObject([{ jobs: [String(process.pid)], size: 10_000 }]);
  expect(await maintenance.rm("registry.example/1:1")).toMatchObject([
    { jobs: [String(process.pid)] },
  ]);
  expect(kept()).toBe("1/");
  expect(release(lease, token)).toBe(true);
  await maintenance.gc();
  expect(kept()).toBe("/");
});

test("leases of dead runners and of jobs past their time protect nothing", async () => {
  const claim = cacheOptions(dir).claim;
  await use("1", true, { claim: { ...claim, holder: { ...identify(process.pid), start: "1" } } });
  await use("2", true, { claim: { ...claim, token: crypto.randomUUID(), expires: now + 5000 } });
  await open({ limits: { maxSize: 0 } }).maintenance.gc();
  expect(kept()).toBe("2/");
  now += 10_000;
  await open({ limits: { maxSize: 0 } }).maintenance.gc();
  expect(kept()).toBe("/");
  expect(readdirSync(`${dir}/v1/in-use`)).toEqual([]);
});

test("max_age counts from the last use", async () => {
  await use("1");
  await use("2");
  now += 3_600_000;
  await use("1");
  await open({ limits: { maxAge: 3000 } }).maintenance.gc();
  expect(kept()).toBe("1/");
});

for (const step of ["evict-marked", "evict-moved"]) {
  test(`an eviction killed at "${step}": jobs go on, and gc leaves nothing`, async () => {
    await use("1");
    const wish = { dir, image: "2", fills: `${fresh.path}/fills`, limits: { maxSize: 2000 } };
    const killed = startCache({ ...wish, killAt: step });
    await cacheAnswer(killed);
    expect(killed.signalCode).toBe("SIGKILL");
    expect(await use("1")).toMatchObject({ hit: step === "evict-marked" });
    await open({ limits: { maxSize: 0 } }).maintenance.gc();
    for (const place of ["entries", "filling", "in-use", "tmp", "trash"])
      expect([place, readdirSync(`${dir}/v1/${place}`)]).toEqual([place, []]);
  });
}

test("jobs that come and go while all is evicted all the time never lose what they have leased", async () => {
  const wish: CacheWish = { dir, image: "a", fills: `${fresh.path}/fills`, rounds: 150 };
  const runs = ["a", "a", "b", "b"].map((image) => startCache({ ...wish, image }));
  const { maintenance } = open({ now: Date.now, limits: { maxSize: 0 } });
  let evicted = 0;
  let ended = 0;
  for (const run of runs) run.exited.then(() => ended++);
  while (ended < runs.length) {
    const removed = await maintenance.gc();
    evicted += removed.filter(({ kind }) => kind === "entry").length;
    await Bun.sleep(0);
  }
  const answers = await Promise.all(runs.map(cacheAnswer));
  expect(answers.map(({ failure }) => failure)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(evicted).toBeGreaterThan(5);
}, 60_000);

test.skipIf(!isRoot)(
  "a full disk fails the job with numbers and leaves nothing of its fill",
  async () => {
    mkdirSync(dir);
    mustRun(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", dir]);
    try {
      await use("1", true);
      const { acquire, maintenance } = open();
      const big = (told: number | undefined) =>
        acquire(
          requestOf("b", async (filling) => {
            if (told !== undefined) await filling.makeRoom(told);
            writeFileSync(filling.image, Buffer.alloc(8_000_000, "x"));
            return undefined;
          }),
        );
      await expect(big(8_000_000)).rejects.toThrow(
        /^cannot keep image registry\.example\/b:1 in \S+: no space left: 4\.\d MB are free; about 8\.0 MB are needed, and .*\[general\.charliecloud\.cache\] dir/,
      );
      // Also when the disk fills up unforeseen, in the middle.
      await expect(big(undefined)).rejects.toThrow(
        /no space left: 4\.\d MB are free; 4\.\d MB were not enough/,
      );
      for (const place of ["filling", "tmp", "trash"])
        expect([place, readdirSync(`${dir}/v1/${place}`)]).toEqual([place, []]);
      expect(maintenance.ls()).toHaveLength(1);
      expect(existsSync(`${dir}/v1/in-use/${maintenance.ls()[0]?.name}`)).toBe(true);
      expect(readdirSync(`${dir}/v1/in-use`)).toHaveLength(1);
    } finally {
      mustRun(["umount", dir]);
    }
  },
);

test.skipIf(!isRoot)("on a disk without a free byte a job still gets what is there", async () => {
  mkdirSync(dir);
  mustRun(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", dir]);
  try {
    await use("1");
    expect(() => writeFileSync(`${dir}/other`, Buffer.alloc(2_000_000))).toThrow("ENOSPC");
    expect(await use("1")).toMatchObject({ hit: true });
    // What had to go for the lease.
    expect(kept()).toBe("1/");
    const cache = open();
    await expect(cache.acquire(requestOf("2", async () => undefined))).rejects.toThrow(/./);
  } finally {
    mustRun(["umount", dir]);
  }
});

test.skipIf(!isRoot)("on a full disk old images make room for a new one", async () => {
  mkdirSync(dir);
  mustRun(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", dir]);
  try {
    const fill = async (image: string) => {
      const cache = open();
      const got = await cache.acquire(
        requestOf(image, async (filling) => {
          await filling.makeRoom(1_500_000);
          writeFileSync(filling.image, squashFile(1_500_000));
          return undefined;
        }),
      );
      if (got.ok) cache.release(got.value.lease, cache.token);
      now += 1000;
    };
    for (const image of ["1", "2", "3", "4"]) await fill(image);
    expect(kept()).toBe("34/");
  } finally {
    mustRun(["umount", dir]);
  }
});

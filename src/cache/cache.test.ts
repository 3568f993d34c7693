import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
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
import { openCache } from "./cache.ts";
import type { Filling } from "./fill.ts";

let fresh: FreshDirectory;
let dir = "";
beforeEach(() => {
  fresh = freshDirectory("cache");
  dir = `${fresh.path}/cache`;
});
afterEach(() => fresh.remove());

const start = (wish: Partial<CacheWish>) =>
  startCache({ dir, image: "a", fills: `${fresh.path}/fills`, ...wish });

function lines(name: string): string[] {
  const file = `${fresh.path}/${name}`;
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

async function make(filling: Filling): Promise<undefined> {
  writeFileSync(filling.image, squashFile(5000));
}

function fail(): never {
  throw new Error("filled again");
}

test("the first acquire fills, the next one finds; a lease is there until it is released", async () => {
  const options = cacheOptions(dir);
  const cache = openCache(options);
  const first = await cache.acquire(requestOf("a", make));
  if (!first.ok) throw new Error(first.refusal.message);
  expect(first.value).toMatchObject({ hit: false, size: 5000 });
  expect(readFileSync(first.value.path)).toEqual(squashFile(5000));
  const second = await openCache(cacheOptions(dir)).acquire(requestOf("a", fail));
  expect(second).toMatchObject({ ok: true, value: { hit: true, path: first.value.path } });
  expect(readdirSync(first.value.lease)).toHaveLength(2);
  cache.release(first.value.lease, options.claim.token);
  expect(readdirSync(first.value.lease)).toHaveLength(1);
  expect(readdirSync(`${dir}/v1/tmp`)).toEqual([]);
  expect(readdirSync(`${dir}/v1/filling`)).toEqual([]);
});

test("a refused fill leaves nothing behind, and the next one may fill", async () => {
  const cache = openCache(cacheOptions(dir));
  const refusal = { fault: "user", message: "denied", from: "image:" } as const;
  const refused = await cache.acquire(
    requestOf("a", async (filling) => {
      writeFileSync(filling.image, "half");
      return refusal;
    }),
  );
  expect(refused).toEqual({ ok: false, refusal });
  const thrown = cache.acquire(requestOf("a", fail));
  await expect(thrown).rejects.toThrow("filled again");
  for (const place of ["entries", "filling", "in-use", "tmp"])
    expect([place, readdirSync(`${dir}/v1/${place}`)]).toEqual([place, []]);
  expect(await cache.acquire(requestOf("a", make))).toMatchObject({ ok: true });
});

test("what a fill leaves that is no image is never an entry", async () => {
  const cache = openCache(cacheOptions(dir));
  const torn = cache.acquire(
    requestOf("a", async (filling) => {
      writeFileSync(filling.image, squashFile(5000).subarray(0, 4000));
      return undefined;
    }),
  );
  await expect(torn).rejects.toThrow(/4000 bytes; its SquashFS superblock says 5000/);
  expect(readdirSync(`${dir}/v1/entries`)).toEqual([]);
});

test("a real SquashFS image is an entry, and a part of it is not", async () => {
  mustRun(["mksquashfs", import.meta.dir, `${fresh.path}/real`, "-quiet", "-no-progress"]);
  const image = readFileSync(`${fresh.path}/real`);
  const cache = openCache(cacheOptions(dir));
  const fill = (bytes: Uint8Array) => async (filling: Filling) => {
    writeFileSync(filling.image, bytes);
    return undefined;
  };
  const part = cache.acquire(requestOf("a", fill(image.subarray(0, image.length / 2))));
  await expect(part).rejects.toThrow(/its SquashFS superblock says/);
  expect(await cache.has(requestOf("a", fail).key)).toBe(false);
  expect(await cache.acquire(requestOf("a", fill(image)))).toMatchObject({ ok: true });
  expect(await cache.has(requestOf("a", fail).key)).toBe(true);
  expect(await cache.maintenance.verify()).toMatchObject([{ outcome: "whole" }]);
});

test("an entry that was cut off, overwritten or lost its record is made again", async () => {
  const cache = openCache(cacheOptions(dir));
  const got = await cache.acquire(requestOf("a", make));
  if (!got.ok) throw new Error(got.refusal.message);
  const { path } = got.value;
  const damages = [
    () => truncateSync(path, 4096),
    () => writeFileSync(path, squashFile(5000).fill("x", 100)),
    () => writeFileSync(path, Buffer.alloc(5000)),
    () => writeFileSync(path.replace("image.sqfs", "entry.json"), "{"),
  ];
  for (const damage of damages) {
    damage();
    const again = await cache.acquire(requestOf("a", make));
    expect(again).toMatchObject({ ok: true, value: { hit: false, path } });
    expect(readFileSync(path)).toEqual(squashFile(5000));
  }
});

test("an entry that only looks changed is used", async () => {
  const cache = openCache(cacheOptions(dir));
  const got = await cache.acquire(requestOf("a", make));
  if (!got.ok) throw new Error(got.refusal.message);
  utimesSync(got.value.path, 1000, 1000);
  expect(await cache.acquire(requestOf("a", fail))).toMatchObject({ ok: true });
});

test("twenty processes want one image: one fills, all get the same path", async () => {
  const runs = Array.from({ length: 20 }, () => start({ layers: ["b", "c", "b"] }));
  const answers = await Promise.all(runs.map(cacheAnswer));
  expect(new Set(answers.map(({ path }) => path)).size).toBe(1);
  expect(answers.filter(({ hit }) => hit === false)).toHaveLength(1);
  expect(lines("fills")).toEqual([expect.stringMatching(/^\d+$/), "layer b", "layer c"]);
}, 60_000);

test("images share layers, whichever of two fills fetches them", async () => {
  const runs = ["1", "2", "3", "4"].map((image) => start({ image, layers: ["b", "c"] }));
  for (const answer of await Promise.all(runs.map(cacheAnswer))) expect(answer["hit"]).toBe(false);
  expect(
    lines("fills")
      .filter((line) => line.startsWith("layer"))
      .sort(),
  ).toEqual(["layer b", "layer c"]);
  expect(readdirSync(`${dir}/v1/layers/sha256`)).toHaveLength(2);
}, 60_000);

test("a reference keeps its digest and the grants of that digest", () => {
  const cache = openCache(cacheOptions(dir));
  expect(cache.recall("r.example/a:1", "amd64")).toBeUndefined();
  cache.remember("r.example/a:1", "amd64", digestOf("a"), "public");
  cache.remember("r.example/a:1", "amd64", digestOf("a"), "account 7");
  cache.remember("r.example/a:1", "amd64", digestOf("a"), "account 7");
  expect(cache.recall("r.example/a:1", "amd64")).toMatchObject({
    digest: digestOf("a"),
    grants: ["account 7", "public"],
  });
  expect(cache.recall("r.example/a:1", "arm64")).toBeUndefined();
  cache.remember("r.example/a:1", "amd64", digestOf("b"), "account 8");
  expect(cache.recall("r.example/a:1", "amd64")).toMatchObject({
    digest: digestOf("b"),
    grants: ["account 8"],
  });
});

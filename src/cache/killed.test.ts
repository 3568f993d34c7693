import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  type CacheWish,
  cacheAnswer,
  cacheOptions,
  otherHost,
  requestOf,
  squashFile,
  startCache,
} from "../../test/fixtures/cache-process.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { openCache } from "./cache.ts";

const isRoot = process.getuid?.() === 0;

let fresh: FreshDirectory;
let wish: CacheWish;
beforeEach(() => {
  fresh = freshDirectory("cache-killed");
  wish = { dir: `${fresh.path}/cache`, image: "a", layers: ["b"], fills: `${fresh.path}/fills` };
});
afterEach(() => fresh.remove());

/** What lies in each directory of the cache. */
function content(): Record<string, string[]> {
  const root = `${wish.dir}/v1`;
  const names = readdirSync(root).filter((name) => !["layers", "refs"].includes(name));
  return Object.fromEntries(names.map((name) => [name, readdirSync(`${root}/${name}`)]));
}

/** Nothing is left but the entry. */
const CLEAN = {
  entries: [expect.stringContaining("sha256-aaaa")],
  filling: [],
  "in-use": [],
  tmp: [],
  trash: [],
};

const STEPS = ["claimed", "made", "fetching", "filled", "verified", "marked", "renamed"];

for (const step of STEPS) {
  test(`a filler killed at "${step}": gc cleans up, and the next one succeeds`, async () => {
    const killed = startCache({ ...wish, killAt: step });
    expect((await cacheAnswer(killed))["path"]).toBeUndefined();
    expect(killed.signalCode).toBe("SIGKILL");
    const options = cacheOptions(wish.dir);
    const cache = openCache(options);
    await cache.maintenance.gc();
    expect(content()).toEqual({ ...CLEAN, entries: step === "renamed" ? CLEAN.entries : [] });
    const next = await cacheAnswer(startCache(wish));
    expect(next["hit"]).toBe(step === "renamed");
    expect(readFileSync(String(next["path"]))).toEqual(squashFile(1000));
    await cache.maintenance.gc();
    expect(content()).toEqual(CLEAN);
  });

  test(`a filler killed at "${step}" under ten that wait: one of them takes over`, async () => {
    const first = startCache({ ...wish, killAt: step });
    const others = Array.from({ length: 10 }, () => startCache(wish));
    await cacheAnswer(first);
    const answers = await Promise.all(others.map(cacheAnswer));
    expect(new Set(answers.map(({ path }) => path)).size).toBe(1);
    expect(answers.filter(({ hit }) => hit === false).length).toBeLessThanOrEqual(1);
    expect(readFileSync(String(answers[0]?.["path"]))).toEqual(squashFile(1000));
    await openCache(cacheOptions(wish.dir)).maintenance.gc();
    expect(content()).toEqual(CLEAN);
  });
}

test("gc leaves a fill in progress alone, with its layers", async () => {
  const until = `${fresh.path}/go-on`;
  const filler = startCache({ ...wish, until });
  while (!existsSync(wish.fills) || !readFileSync(wish.fills, "utf8").includes("layer"))
    await Bun.sleep(10);
  const { maintenance } = openCache(cacheOptions(wish.dir, { limits: { maxSize: 0, maxAge: 0 } }));
  for (let i = 0; i < 5; i++) await maintenance.gc();
  writeFileSync(until, "");
  expect(await cacheAnswer(filler)).toMatchObject({ hit: false });
  expect(readFileSync(wish.fills, "utf8").trim().split("\n")).toHaveLength(2);
});

test.skipIf(!isRoot)(
  "another host's filler is waited for as long as its heart beats",
  async () => {
    const until = `${fresh.path}/go-on`;
    const heartbeat = { every: 50, dead: 1000 };
    const filler = startCache({ ...wish, until, heartbeat }, otherHost("elsewhere"));
    while (!existsSync(wish.fills)) await Bun.sleep(10);
    const log = `${fresh.path}/log`;
    const waiting = startCache({ ...wish, heartbeat, log });
    // Once it says for whom it waits, it has looked several times.
    while (!existsSync(log)) await Bun.sleep(10);
    await openCache(cacheOptions(wish.dir, { heartbeat })).maintenance.gc();
    await Bun.sleep(2 * heartbeat.dead);
    writeFileSync(until, "");
    const [made, got] = await Promise.all([cacheAnswer(filler), cacheAnswer(waiting)]);
    expect([made["hit"], got["hit"]]).toEqual([false, true]);
    expect(readFileSync(log, "utf8")).toMatch(
      /^Waiting for image registry\.example\/a:1, which job \d+ on elsewhere has been getting for \d+ s\n$/,
    );
    expect(readFileSync(wish.fills, "utf8").trim().split("\n")).toHaveLength(2);
  },
  60_000,
);

test.skipIf(!isRoot)(
  "another host's dead filler is found by its heartbeat",
  async () => {
    const heartbeat = { every: 50, dead: 1000 };
    const filler = startCache({ ...wish, killAt: "filled", heartbeat }, otherHost("elsewhere"));
    expect((await cacheAnswer(filler))["path"]).toBeUndefined();
    expect(content()["filling"]).toHaveLength(1);
    const others = ["one", "two", "three"].map((host) =>
      startCache({ ...wish, heartbeat }, otherHost(host)),
    );
    const answers = await Promise.all(others.map(cacheAnswer));
    expect(answers.map(({ hit }) => hit).sort()).toEqual([false, true, true]);
    // Leases of other hosts' jobs stay until those jobs' time is over.
    const late = { now: () => Date.now() + 4_000_000 };
    await openCache(cacheOptions(wish.dir, { heartbeat, ...late })).maintenance.gc();
    expect(content()).toEqual(CLEAN);
  },
  60_000,
);

test.skipIf(!isRoot)(
  "jobs on two hosts at once fill an image once",
  async () => {
    const runs = Array.from({ length: 8 }, (_, n) => startCache(wish, otherHost(`host${n % 2}`)));
    const answers = await Promise.all(runs.map(cacheAnswer));
    expect(answers.filter(({ hit }) => hit === false)).toHaveLength(1);
    expect(readFileSync(wish.fills, "utf8").trim().split("\n")).toHaveLength(2);
  },
  60_000,
);

test("a fill that ends while another process has taken it over is repeated, not torn", async () => {
  const cache = openCache(cacheOptions(wish.dir));
  let times = 0;
  const got = await cache.acquire(
    requestOf("a", async ({ image }) => {
      const root = `${wish.dir}/v1`;
      if (++times === 1) {
        const [place = ""] = readdirSync(`${root}/filling`);
        const [claim = ""] = readdirSync(`${root}/filling/${place}`);
        rmSync(`${root}/filling/${place}/${claim}`);
        rmSync(`${root}/tmp/${claim.replace(".json", "")}`, { recursive: true });
      }
      writeFileSync(image, squashFile(1000));
      return undefined;
    }),
  );
  expect(got).toMatchObject({ ok: true, value: { hit: false } });
  expect(times).toBe(2);
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { cacheOptions } from "../../test/fixtures/cache-process.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { newClaim, take } from "../host/claim.ts";
import { identify } from "../host/proc.ts";
import { openStore } from "./cache.ts";
import { pidSpace } from "./clock.ts";
import { type SharedWork, share } from "./share.ts";
import type { Store } from "./store.ts";

let fresh: FreshDirectory;
let dir = "";
beforeEach(() => {
  fresh = freshDirectory("share");
  dir = `${fresh.path}/cache`;
});
afterEach(() => fresh.remove());

const open = (change: Parameters<typeof cacheOptions>[1] = {}): Store =>
  openStore(cacheOptions(dir, change));

interface Trials {
  /** Who has made one, in that order. */
  readonly made: string[];
  known: string | undefined;
  readonly work: (
    who: string,
    result: () => Promise<{ text: string; good: boolean }>,
  ) => SharedWork<string>;
}

/** Trials of which good ones are known to all. */
function trials(): Trials {
  const all: Trials = {
    made: [],
    known: undefined,
    work: (who, result) => ({
      name: "trial-a",
      what: "image registry.example/a:1",
      doing: "starting",
      find: () => all.known,
      make: async () => {
        all.made.push(who);
        const { text, good } = await result();
        if (good) all.known = text;
        return text;
      },
    }),
  };
  return all;
}

const claims = () => readdirSync(`${dir}/v1/filling`);

test("one makes it, and those who came meanwhile take its result", async () => {
  const all = trials();
  const { promise, resolve } = Promise.withResolvers<{ text: string; good: boolean }>();
  const first = share(
    open(),
    all.work("first", () => promise),
  );
  const others = ["second", "third"].map((who) =>
    share(
      open(),
      all.work(who, () => Promise.reject(new Error("made again"))),
    ),
  );
  resolve({ text: "works", good: true });
  expect(await Promise.all([first, ...others])).toEqual(["works", "works", "works"]);
  expect([all.made, claims()]).toEqual([["first"], []]);
});

test("after a failure each makes its own, and nobody waits for another one", async () => {
  const all = trials();
  const { promise, resolve } = Promise.withResolvers<{ text: string; good: boolean }>();
  const first = share(
    open(),
    all.work("first", () => promise),
  );
  const { promise: bothBegan, resolve: begin } = Promise.withResolvers<void>();
  const others = ["second", "third"].map((who) =>
    share(
      open(),
      all.work(who, async () => {
        if (all.made.length === 3) begin();
        await bothBegan;
        return { text: `failed for ${who}`, good: false };
      }),
    ),
  );
  resolve({ text: "failed for first", good: false });
  const results = await Promise.all([first, ...others]);
  expect(results.map(String)).toEqual([
    "failed for first",
    "failed for second",
    "failed for third",
  ]);
  expect(claims()).toEqual([]);
});

test("an exception is of the one who made it alone", async () => {
  const all = trials();
  const first = share(
    open(),
    all.work("first", () => Promise.reject(new Error("no memory"))),
  );
  await expect(first).rejects.toThrow("no memory");
  const second = share(
    open(),
    all.work("second", async () => ({ text: "works", good: true })),
  );
  expect(await second).toBe("works");
});

test("whoever was killed while at it is not waited for", async () => {
  const store = open();
  const killed = Bun.spawn(["sleep", "1000"]);
  const claim = newClaim({
    job: "1",
    holder: identify(killed.pid),
    expires: Date.now() + 3_600_000,
    notes: { who: "job 1", pids: pidSpace() },
  });
  expect(take(`${store.layout.filling}/trial-a`, claim)).toBe(true);
  const all = trials();
  const work = all.work("second", async () => ({ text: "works", good: true }));
  const waits = share(store, work);
  await Bun.sleep(100);
  expect(all.made).toEqual([]);
  killed.kill("SIGKILL");
  await killed.exited;
  expect(await waits).toBe("works");
});

test("a cancel ends the wait", async () => {
  const all = trials();
  const { promise, resolve } = Promise.withResolvers<{ text: string; good: boolean }>();
  const first = share(
    open(),
    all.work("first", () => promise),
  );
  const abort = new AbortController();
  const second = share(
    open({ signal: abort.signal }),
    all.work("second", () => Promise.reject(new Error("made again"))),
  );
  abort.abort(new Error("cancelled"));
  await expect(second).rejects.toThrow("cancelled");
  resolve({ text: "works", good: true });
  expect(await first).toBe("works");
});

// Root may write anywhere, so the store is told.
test("in a cache that cannot be written to each makes its own", async () => {
  mkdirSync(dir);
  const store = { ...open(), writable: false };
  chmodSync(`${dir}/v1/filling`, 0o500);
  const all = trials();
  const good = async () => ({ text: "works", good: false });
  await Promise.all([
    share(store, all.work("first", good)),
    share(store, all.work("second", good)),
  ]);
  expect([all.made, claims()]).toEqual([["first", "second"], []]);
});

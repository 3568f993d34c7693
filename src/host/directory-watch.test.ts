import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { type DirectoryWatch, watchDirectory } from "./directory-watch.ts";

/** Longer than a test may take: a watch that sees nothing fails by not ending. */
const FOREVER_MILLISECONDS = 3_600_000;

let fresh: FreshDirectory;
let watched: DirectoryWatch;
let abort: AbortController;
beforeEach(() => {
  fresh = freshDirectory("watch");
  writeFileSync(`${fresh.path}/claim`, "");
  abort = new AbortController();
  watched = watchDirectory(fresh.path, abort.signal);
});
afterEach(() => {
  watched.close();
  fresh.remove();
});

test("it ends when a file of the directory goes, and begins anew", async () => {
  const first = watched.change(FOREVER_MILLISECONDS);
  rmSync(`${fresh.path}/claim`);
  expect(await first).toBe(true);
  // One removal may be told as several changes.
  while (await watched.change(200));
  writeFileSync(`${fresh.path}/claim`, "");
  expect(await watched.change(FOREVER_MILLISECONDS)).toBe(true);
});

test("a change between two calls is not missed", async () => {
  mkdirSync(`${fresh.path}/new`);
  await Bun.sleep(100);
  expect(await watched.change(FOREVER_MILLISECONDS)).toBe(true);
});

test("it ends when the directory itself goes, and at once when it had gone before", async () => {
  const end = watched.change(FOREVER_MILLISECONDS);
  rmSync(fresh.path, { recursive: true });
  expect(await end).toBe(true);
  const late = watchDirectory(fresh.path, abort.signal);
  expect([late.works, await late.change(FOREVER_MILLISECONDS)]).toEqual([false, true]);
});

test("it ends without a change after the time given, and when the signal aborts", async () => {
  expect(await watched.change(1)).toBe(false);
  const end = watched.change(FOREVER_MILLISECONDS);
  abort.abort();
  expect(await end).toBe(false);
  expect(await watched.change(FOREVER_MILLISECONDS)).toBe(false);
});

test.each(["instances", "watches"])(
  "without any inotify %s left it sees nothing, and says so",
  async (what) => {
    const program = `
    import { watchDirectory } from "${import.meta.dir}/directory-watch.ts";
    const watched = watchDirectory("/", new AbortController().signal);
    console.log(watched.works, await watched.change(1));
    watched.close();`;
    // Root of a user namespace sets that namespace's own limit.
    const script = `echo 0 > /proc/sys/user/max_inotify_${what}; exec "$0" -e "$1"`;
    const command = ["unshare", "--map-root-user", "sh", "-c", script, process.execPath, program];
    const child = Bun.spawn(command, { stderr: "pipe" });
    const said = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect(said).toEqual(["false false\n", ""]);
  },
);

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import {
  cacheOptions,
  digestOf,
  requestOf,
  squashFile,
} from "../../test/fixtures/cache-process.ts";
import { startDriver } from "../../test/fixtures/command-line.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { openCache } from "../cache/cache.ts";
import { ageText } from "./cache-text.ts";

let fresh: FreshDirectory;
let dir = "";
beforeAll(async () => {
  fresh = freshDirectory("cache-command");
  dir = `${fresh.path}/cache`;
  for (const image of ["a", "b", "c"]) await fill(image, image === "c");
});
afterAll(() => fresh.remove());

async function fill(image: string, keep: boolean): Promise<void> {
  const options = cacheOptions(dir);
  const cache = openCache(options);
  const got = await cache.acquire(
    requestOf(image, async (filling) => {
      writeFileSync(filling.image, squashFile(5000));
      return undefined;
    }),
  );
  if (got.ok && !keep) cache.release(got.value.lease, options.claim.token);
}

const start = (...words: string[]) =>
  startDriver(["cache", ...words], { PATH: "/usr/bin:/bin", HOME: fresh.path });

test("ls and du show what is there, as tables and as JSON", async () => {
  const ls = await start("ls", "--dir", dir);
  expect(ls).toMatchObject({ status: 0, stderr: "" });
  expect(ls.stdout.split("\n")[0]).toMatch(/^IMAGE +DIGEST +ARCH +KIND +SIZE +USED +JOBS$/);
  expect(ls.stdout).toMatch(
    new RegExp(
      `^registry.example/c:1  c{12}  amd64  sqfs  5.0 kB  \\d+ s ago  ${process.pid}$`,
      "m",
    ),
  );
  const du = await start("du", "--dir", dir);
  expect(du.stdout).toMatch(/^images +3 +15 kB$/m);
  const entries = JSON.parse((await start("ls", "--dir", dir, "--json")).stdout);
  expect(entries).toHaveLength(3);
  expect(JSON.parse((await start("du", "--json", "--dir", dir)).stdout)).toMatchObject({
    entries: { count: 3, bytes: 15_000 },
  });
});

test("rm and verify say with their status whether all went well", async () => {
  expect(await start("rm", "registry.example/a:1", "--dir", dir)).toMatchObject({ status: 0 });
  expect(await start("rm", "registry.example/a:1", "--dir", dir)).toMatchObject({
    status: 1,
    stdout: "no image registry.example/a:1\n",
  });
  const used = await start("rm", digestOf("c").slice(0, 20), "--dir", dir);
  expect(used.status).toBe(1);
  expect(used.stdout).toMatch(/^kept registry\.example\/c:1 \(\S+\): in use by job \d+\n$/);
  expect(await start("verify", "--dir", dir)).toMatchObject({
    status: 0,
    stdout: "checked 2, 0 damaged\n",
  });
  truncateSync(`${dir}/v1/entries/sha256-${"b".repeat(64)}.amd64.sqfs/image.sqfs`, 4999);
  const verified = await start("verify", "--dir", dir);
  expect(verified.status).toBe(1);
  expect(verified.stdout).toMatch(/4999 bytes.*: removed\nchecked 2, 1 damaged\n$/);
  expect(await start("gc", "--dir", dir)).toMatchObject({ status: 0, stdout: "removed 0, 0 B\n" });
});

test("export copies an image", async () => {
  const file = `${fresh.path}/c.sqfs`;
  expect(await start("export", "registry.example/c:1", file, "--dir", dir)).toMatchObject({
    status: 0,
    stdout: `wrote ${file}\n`,
  });
  expect(readFileSync(file)).toEqual(squashFile(5000));
  const missing = await start("export", "registry.example/x:1", file, "--dir", dir);
  expect(missing).toMatchObject({ status: 2, stdout: "" });
  expect(missing.stderr).toContain("it means 0 images");
});

test("the configuration says where the cache is; none there is a system failure", async () => {
  const file = `${fresh.path}/site.toml`;
  const config = (place: string) =>
    writeFileSync(
      file,
      `[general]\nexecutor = "shell"\ndata_dir = "$HOME"\n[general.charliecloud.cache]\ndir = "${place}"\n`,
    );
  config("$HOME/cache");
  expect(await start("ls", "--configuration", file)).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("registry.example/c:1"),
  });
  config("/var/tmp/nothing-here");
  expect(await start("ls", "--configuration", file)).toEqual({
    status: 2,
    stdout: "",
    stderr:
      "jacamar: error: there is no image cache in /var/tmp/nothing-here ([general.charliecloud.cache] dir)\n",
  });
});

test("a mistake in the words is one line", async () => {
  for (const [words, message] of [
    [["prune", "--dir", dir], 'cache: unknown action "prune"; wanted: one of ls, du, gc, '],
    [["ls"], "cache: wanted: either --configuration FILE or --dir DIR"],
    [["ls", "x", "--dir", dir], "cache: ls takes no image"],
    [["rm", "--dir", dir], "cache: rm takes an image"],
    [["export", "x", "--dir", dir], "cache: export takes an image and a file"],
    [[], "cache: Missing required positional argument: ACTION"],
  ] as const) {
    const { status, stderr } = await start(...words);
    expect([status, stderr]).toEqual([2, expect.stringContaining(`jacamar: error: ${message}`)]);
  }
});

test("ageText() is rough", () => {
  const ages = [0, 59_000, 61_000, 7_200_000, 100_000_000, 400_000_000, -5];
  expect(ages.map(ageText)).toEqual(["0 s", "59 s", "1 min", "2 h", "27 h", "4 d", "0 s"]);
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { cacheOptions, requestOf, squashFile } from "../../test/fixtures/cache-process.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { openCache } from "./cache.ts";
import type { Filling } from "./fill.ts";

const isRoot = process.getuid?.() === 0;
const [OWNER, OTHER] = [4001, 4002];

let fresh: FreshDirectory;
let dir = "";
beforeEach(() => {
  fresh = freshDirectory("cache-trust");
  dir = `${fresh.path}/cache`;
});
afterEach(() => fresh.remove());

async function make(filling: Filling): Promise<undefined> {
  writeFileSync(filling.image, squashFile(5000), { mode: 0o666 });
}

function fail(): never {
  throw new Error("filled again");
}

test("a private cache is made with mode 0700 and refuses another user's directory", () => {
  openCache(cacheOptions(dir));
  expect(statSync(dir).mode & 0o7777).toBe(0o700);
  if (!isRoot) return;
  chownSync(dir, OTHER, OTHER);
  expect(() => openCache(cacheOptions(dir))).toThrow(
    /cannot use \S+\/cache for the image cache: it belongs to uid 4002; wanted: uid 0/,
  );
});

test.skipIf(!isRoot)(
  "a shared cache is refused when others could write to it, or replace it",
  () => {
    const shared = () => openCache(cacheOptions(dir, { shared: true }));
    shared();
    expect(statSync(dir).mode & 0o7777).toBe(0o755);
    chmodSync(dir, 0o775);
    expect(shared).toThrow(/that is shared: \S+\/cache has mode 0775, so others can write to it/);
    chmodSync(dir, 0o1777);
    expect(shared).toThrow(/mode 1777/);
    chmodSync(dir, 0o755);
    chmodSync(fresh.path, 0o777);
    expect(shared).toThrow(/\/jacamar-cache-trust-\w+ has mode 0777/);
    chmodSync(fresh.path, 0o1777);
    shared();
    chmodSync(fresh.path, 0o755);
    chownSync(fresh.path, OTHER, OTHER);
    expect(shared).toThrow(/belongs to uid 4002; wanted: uid 0, the cache's owner, or root/);
  },
);

test.skipIf(!isRoot)("an entry of a shared cache that another user made is not used", async () => {
  const options = cacheOptions(dir, { shared: true });
  const cache = openCache(options);
  const got = await cache.acquire(requestOf("a", make));
  if (!got.ok) throw new Error(got.refusal.message);
  const { path } = got.value;
  expect(statSync(path).mode & 0o7777).toBe(0o644);
  const again = () => cache.acquire(requestOf("a", make));
  expect(await again()).toMatchObject({ value: { hit: true } });
  chownSync(path, OTHER, OTHER);
  expect(await again()).toMatchObject({ value: { hit: false } });
  chmodSync(path, 0o664);
  expect(await again()).toMatchObject({ value: { hit: false } });
  chmodSync(path.slice(0, path.lastIndexOf("/")), 0o777);
  expect(await again()).toMatchObject({ value: { hit: false } });
  expect(await again()).toMatchObject({ value: { hit: true } });
});

test("a directory image of a shared cache is open to nobody", async () => {
  if (isRoot) chmodSync(fresh.path, 0o755);
  const cache = openCache(cacheOptions(dir, { shared: true }));
  const request = requestOf("a", async ({ image }) => {
    mkdirSync(`${image}/tmp`, { recursive: true });
    chmodSync(`${image}/tmp`, 0o1777);
    writeFileSync(`${image}/tmp/file`, "x");
    chmodSync(`${image}/tmp/file`, 0o666);
    symlinkSync("/etc/passwd", `${image}/link`);
    return undefined;
  });
  const got = await cache.acquire({ ...request, key: { ...request.key, kind: "directory" } });
  if (!got.ok) throw new Error(got.refusal.message);
  const { path } = got.value;
  expect(statSync(`${path}/tmp`).mode & 0o7777).toBe(0o1755);
  expect(statSync(`${path}/tmp/file`).mode & 0o7777).toBe(0o644);
  expect(await cache.maintenance.verify()).toMatchObject([{ outcome: "whole" }]);
  writeFileSync(`${path}/tmp/more`, "");
  expect(await cache.maintenance.verify()).toMatchObject([{ outcome: "kept" }]);
});

/**
 * Runs a program of this test as another user, with the cache that root owns: one file, and a copy of Bun, since that
 * user may not be able to enter the project's directory.
 */
function asOther(body: string): string {
  const script = `
    const { cacheOptions, requestOf } = await import("${import.meta.dir}/../../test/fixtures/cache-process.ts");
    const { openCache } = await import("${import.meta.dir}/cache.ts");
    const fill = () => { throw new Error("filled"); };
    try {
      const cache = openCache(cacheOptions(${JSON.stringify(dir)}, { shared: true, uid: ${OTHER} }));
      ${body}
    } catch (error) { console.log(error.message); }`;
  const [source, program, bun] = ["source.ts", "program.js", "bun"].map(
    (name) => `${fresh.path}/${name}`,
  ) as [string, string, string];
  writeFileSync(source, script);
  mustRun([process.execPath, "build", "--target=bun", source, `--outfile=${program}`]);
  copyFileSync(process.execPath, bun, constants.COPYFILE_FICLONE);
  chmodSync(bun, 0o755);
  const user = ["setpriv", `--reuid=${OTHER}`, `--regid=${OTHER}`, "--clear-groups"];
  return mustRun([...user, bun, program], { cwd: "/" }).trim();
}

test.skipIf(!isRoot)(
  "who cannot write to a shared cache uses what is there, and fills nothing",
  async () => {
    const owner = openCache(cacheOptions(dir, { shared: true }));
    const got = await owner.acquire(requestOf("a", make));
    if (!got.ok) throw new Error(got.refusal.message);
    owner.remember("r.example/a:1", "amd64", requestOf("a", fail).key.digest, "public");
    const body = `
    const { ok, value } = await cache.acquire(requestOf("a", fill));
    cache.release(value.lease, "x");
    cache.remember("r.example/a:1", "amd64", value.entry.key.digest, "me");
    const grants = cache.recall("r.example/a:1", "amd64")?.grants;
    console.log(JSON.stringify({ ...value, entry: value.entry.reference, grants }));`;
    expect(JSON.parse(asOther(body))).toEqual({
      path: got.value.path,
      lease: "",
      hit: true,
      size: 5000,
      entry: "registry.example/a:1",
      grants: ["public"],
    });
    expect(asOther('await cache.acquire(requestOf("b", fill));')).toMatch(
      /^cannot use image registry\.example\/b:1 from \S+: it is not there, and this user \(uid 4002\) cannot write to it; wanted: /,
    );
    expect(asOther("await cache.maintenance.gc();")).toMatch(/^cannot clean .*uid 4002/);
    expect(asOther("console.log((await cache.maintenance.verify()).length);")).toBe("1");
  },
);

test.skipIf(!isRoot)("a cache on a read-only file system is used as it is", async () => {
  const cache = openCache(cacheOptions(dir));
  const got = await cache.acquire(requestOf("a", make));
  if (!got.ok) throw new Error(got.refusal.message);
  cache.release(got.value.lease, "");
  mustRun(["mount", "--bind", dir, dir]);
  try {
    mustRun(["mount", "-o", "remount,ro,bind", dir]);
    const readOnly = openCache(cacheOptions(dir));
    expect(await readOnly.acquire(requestOf("a", fail))).toMatchObject({ value: { lease: "" } });
    await expect(readOnly.acquire(requestOf("b", fail))).rejects.toThrow(/cannot write to it/);
    expect(readOnly.maintenance.du().entries).toEqual({ count: 1, bytes: 5000 });
  } finally {
    mustRun(["umount", dir]);
  }
  expect(readFileSync(got.value.path)).toEqual(squashFile(5000));
});

test.skipIf(!isRoot)("the owner of a shared cache may be any user whom the admin names", () => {
  mkdirSync(dir, { mode: 0o755 });
  chownSync(dir, OWNER, OWNER);
  const cache = openCache(cacheOptions(dir, { shared: true }));
  expect(cache.maintenance.ls()).toEqual([]);
  lchownSync(dir, OTHER, OTHER);
  expect(readdirSync(dir)).toEqual(["v1"]);
});

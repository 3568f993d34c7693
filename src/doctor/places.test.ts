import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { freshDirectory } from "../../test/fixtures/directory.ts";
import { isShared, mountOf } from "./mounts.ts";
import { type PlaceFacts, placeFacts } from "./place-facts.ts";
import { judgePlace, type Purpose } from "./place-judge.ts";

const MOUNTINFO = [
  "22 1 253:0 / / rw,relatime - ext4 /dev/vda rw",
  "30 22 0:40 / /data rw,nosuid,noexec shared:5 - nfs4 server:/x rw",
  "31 22 0:41 / /data\\040two rw shared:6 master:1 - lustre a@o2ib:/y rw",
  "32 30 0:42 / /data rw - tmpfs none rw",
].join("\n");

test("the mount of a path: longest mount point, the last one of it, blanks", () => {
  expect(mountOf(MOUNTINFO, "/home/x")).toMatchObject({ point: "/", type: "ext4" });
  expect(mountOf(MOUNTINFO, "/data/x")).toMatchObject({ point: "/data", type: "tmpfs" });
  expect(mountOf(MOUNTINFO, "/data two")).toMatchObject({ point: "/data two", type: "lustre" });
  expect(mountOf(MOUNTINFO, "/database")).toMatchObject({ point: "/" });
  const [, nfs = ""] = MOUNTINFO.split("\n");
  expect(mountOf(nfs, "/data")?.options).toContain("noexec");
  expect(mountOf("", "/")).toBeUndefined();
});

test("file systems that other hosts see", () => {
  const types = ["nfs", "nfs4", "lustre", "gpfs", "fuse.sshfs", "ext4", "tmpfs", "fuse.squashfuse"];
  expect(types.filter(isShared)).toEqual(["nfs", "nfs4", "lustre", "gpfs", "fuse.sshfs"]);
});

const WELL: PlaceFacts = {
  path: "/d",
  existing: "/d",
  owner: 7,
  mount: { point: "/", type: "ext4", options: ["rw"] },
  free: 50e9,
  capacity: 100e9,
  freeFiles: 1e6,
  trial: {
    written: true,
    starts: true,
    attributes: true,
    hardLinks: true,
    renames: true,
    locks: "excludes",
  },
};
const PURPOSE: Purpose = {
  holds: "builds",
  key: "[general] data_dir",
  uid: 7,
  shared: false,
  starts: true,
  minFree: undefined,
  locks: true,
  links: true,
  forNodes: false,
};

const trial = (more: object) => ({ trial: { ...WELL.trial, ...more } as PlaceFacts["trial"] });
const mounted = (type: string, ...options: string[]) => ({ mount: { point: "/d", type, options } });

test.each([
  [{}, {}, "ok", "/d, ext4 on /, 50 GB free; user xattrs, hard links, locks"],
  [{ existing: "/", owner: undefined }, {}, "ok", "/d (not there yet; / is)"],
  [{ owner: 8 }, {}, "fail", "it belongs to uid 8"],
  [{ owner: 8 }, { shared: true }, "ok", ""],
  [{ trial: { written: false, why: "EROFS" } }, {}, "fail", "cannot be written to: EROFS"],
  [{ trial: { written: false, why: "EROFS" } }, { shared: true }, "warn", "EROFS"],
  [trial({ starts: false }), {}, "fail", "programs do not start"],
  [{ ...trial({ starts: false }), ...mounted("nfs4", "noexec") }, {}, "fail", "mounted noexec"],
  [trial({ starts: false }), { starts: false }, "ok", "programs do not start"],
  [trial({ renames: false }), {}, "fail", "renamed over another"],
  [trial({ locks: "none" }), {}, "fail", "no locks"],
  [trial({ locks: "permits" }), {}, "fail", "locks that exclude nobody"],
  [trial({ locks: "none" }), { locks: false }, "ok", "no locks"],
  [trial({ hardLinks: false }), {}, "warn", "no hard links"],
  [trial({ attributes: false }), {}, "ok", "no user xattrs"],
  [mounted("tmpfs"), {}, "warn", "it lies in memory"],
  [mounted("ext4"), { forNodes: true }, "warn", "it looks local"],
  [mounted("lustre"), { forNodes: true }, "ok", "lustre on /d"],
  [{ free: 5e8 }, {}, "warn", "little space"],
  [{ free: 5e9 }, { minFree: 6e9 }, "warn", "less free than min_free, 6.0 GB"],
  [{ freeFiles: 9 }, {}, "warn", "only 9 more files"],
  [{ freeFiles: undefined }, {}, "ok", ""],
] as const)("a place %#", (facts, purpose, state, seen) => {
  const finding = judgePlace({ ...WELL, ...facts } as PlaceFacts, { ...PURPOSE, ...purpose });
  expect([finding.state, finding.seen]).toEqual([state, expect.stringContaining(seen)]);
  expect(finding.fix === "").toBe(state === "ok");
});

test("a directory is found out about by working in it, and nothing stays", async () => {
  const fresh = freshDirectory("doctor-place");
  mkdirSync(`${fresh.path}/there`);
  const facts = await placeFacts(`${fresh.path}/there/not yet`);
  expect(facts).toMatchObject({
    existing: `${fresh.path}/there`,
    owner: undefined,
    trial: { written: true, starts: true, hardLinks: true, renames: true, locks: "excludes" },
  });
  expect(facts.free).toBeGreaterThan(0);
  expect(readdirSync(`${fresh.path}/there`)).toEqual([]);
  fresh.remove();
});

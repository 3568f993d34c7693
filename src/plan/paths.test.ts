import { expect, test } from "bun:test";
import { isWithin, kernelDirectory, normalisePath } from "./paths.ts";

test("normalisePath() resolves dots and slashes without looking at the disk", () => {
  for (const [path, wanted] of [
    ["/a/b", "/a/b"],
    ["/a/b/", "/a/b"],
    ["//a///b//", "/a/b"],
    ["/a/./b/../c", "/a/c"],
    ["/../../a", "/a"],
    ["/a b/$x", "/a b/$x"],
    ["/..a/b..", "/..a/b.."],
    ["/", "/"],
    ["/..", "/"],
  ] as const) {
    expect(normalisePath(path)).toBe(wanted);
  }
});

test("isWithin() compares whole components", () => {
  expect(isWithin("/srv", "/srv")).toBe(true);
  expect(isWithin("/srv/x", "/srv")).toBe(true);
  expect(isWithin("/srvx", "/srv")).toBe(false);
  expect(isWithin("/x", "/")).toBe(true);
});

test("kernelDirectory() names the directory that is in the way", () => {
  expect(kernelDirectory("/dev/shm/x")).toBe("/dev");
  expect(kernelDirectory("/proc")).toBe("/proc");
  expect(kernelDirectory("/system")).toBeUndefined();
});

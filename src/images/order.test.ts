import { expect, test } from "bun:test";
import { type EntryMountPoint, variantOf } from "./order.ts";

const point = (target: string, isFile = false): EntryMountPoint => {
  return { target, isFile, fault: "user", from: "CH_VOLUMES_0" };
};

test("variantOf() is empty without mount points, and else the same whatever their order and their owner", () => {
  expect(variantOf([])).toBe("");
  const one = variantOf([point("/data"), point("/opt/x")]);
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(variantOf([point("/opt/x"), { ...point("/data"), fault: "admin" }, point("/data")])).toBe(
    one,
  );
});

test("variantOf() tells a file from a directory, and one place from another", () => {
  const variants = [[point("/a")], [point("/a", true)], [point("/b")], [point("/a"), point("/b")]];
  expect(new Set(variants.map(variantOf)).size).toBe(variants.length);
});

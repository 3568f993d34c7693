import { expect, test } from "bun:test";
import { isSystemFailure, SystemFailure } from "./failure.ts";

test("isSystemFailure() knows the class of another copy of the module, and no other error", () => {
  class OtherCopy extends Error {
    override readonly name = "SystemFailure";
  }
  expect(isSystemFailure(new SystemFailure("x"))).toBe(true);
  expect(isSystemFailure(new OtherCopy("x"))).toBe(true);
  expect(isSystemFailure(new Error("SystemFailure"))).toBe(false);
  expect(isSystemFailure("SystemFailure")).toBe(false);
});

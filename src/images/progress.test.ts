import { expect, test } from "bun:test";
import { amounts, bar } from "./progress.ts";

test("bar() fills with what has come, and never beyond its ends", () => {
  expect(bar(0, 100)).toBe(`[${" ".repeat(30)}]`);
  expect(bar(50, 100)).toBe(`[${"#".repeat(15)}${" ".repeat(15)}]`);
  expect(bar(120, 100)).toBe(`[${"#".repeat(30)}]`);
  expect(bar(-5, 100)).toBe(`[${" ".repeat(30)}]`);
  expect(bar(0, 0)).toBe(`[${"#".repeat(30)}]`);
});

test("amounts() gives small figures one digit after the point", () => {
  expect(amounts(12_300_000, 96_000_000, 8_140_000)).toBe("12 of 96 MB, 8.1 MB/s");
});

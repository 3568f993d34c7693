import { expect, test } from "bun:test";
import { parseAmount, parseSize } from "./size.ts";

test.each([
  ["50GB", 50e9],
  ["20GiB", 20 * 2 ** 30],
  ["500MB", 500e6],
  ["1.5 TB", 1.5e12],
  ["0.5KiB", 512],
  ["1.0005kB", 1000],
  ["2gib", 2 ** 31],
  ["7B", 7],
  ["1000", 1000],
  ["0", 0],
  ["8PiB", undefined],
  ["7PiB", 7 * 2 ** 50],
])("parseSize() reads %p as %p bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  "",
  "GB",
  "50G",
  "50Gi",
  "-1GB",
  "1e9",
  "1,5GB",
  "5%",
  "50  GB",
  " 1GB",
  "1GB ",
  ".5GB",
  "1.GB",
  "constructor",
  "1constructor",
  "99999999PB",
])("parseSize() refuses %p", (text) => {
  expect(parseSize(text)).toBeUndefined();
});

test("parseAmount() reads shares and sizes", () => {
  for (const [text, amount] of [
    ["5%", { percent: 5 }],
    ["2.5 %", { percent: 2.5 }],
    ["100%", { percent: 100 }],
    ["0%", { percent: 0 }],
    ["10GB", { bytes: 10e9 }],
    ["101%", undefined],
    ["-5%", undefined],
    ["%", undefined],
    ["5GB%", undefined],
  ] as const) {
    expect(parseAmount(text)).toEqual(amount);
  }
});

import { describe, expect, test } from "bun:test";
import { formatDuration, parseAge, parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  test.each([
    ["120s", 120],
    ["2m", 120],
    ["1h30m", 5400],
    ["1.5h", 5400],
    ["500ms", 0.5],
    ["100ms", 0.1],
    ["0", 0],
    ["+0", 0],
    ["0s", 0],
    [".5s", 0.5],
    ["1.s", 1],
    ["1us", 1e-6],
    ["1µs", 1e-6],
    ["1μs", 1e-6],
    ["7ns", 7e-9],
    ["1m1m", 120],
    ["+5s", 5],
    ["-5s", -5],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  test.each([
    "",
    "30",
    "s",
    ".s",
    "10 secs",
    "1d",
    "1h 30m",
    " 1s",
    "1s ",
    "1e3s",
    "--1s",
    "1S",
    "infs",
    "9999999h",
  ])("%p is refused as in Go", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test("the longest duration of Go is accepted", () => {
    expect(parseDuration("2562047h47m16.8s")).toBeCloseTo(9223372036.8);
  });
});

describe("parseAge", () => {
  test.each([
    ["30d", 2_592_000],
    ["0.5d", 43_200],
    ["1d12h", 129_600],
    ["2d0", 172_800],
    ["36h", 129_600],
    ["0", 0],
    ["0d", 0],
    ["106751d", 9_223_286_400],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseAge(text)).toBe(seconds);
  });

  test.each(["", "d", "30", "-1h", "-1d", "1d-1h", "1d+1h", "12h1d", "1d1d", "1d ", "106752d"])(
    "%p is refused",
    (text) => {
      expect(parseAge(text)).toBeUndefined();
    },
  );
});

describe("formatDuration", () => {
  test.each([
    [0, "0s"],
    [30, "30s"],
    [120, "2m"],
    [5400, "1h30m"],
    [3600, "1h"],
    [3661, "1h1m1s"],
    [0.25, "250ms"],
    [60.5, "1m0.5s"],
    [90.1, "1m30.1s"],
    [1e-9, "0.000001ms"],
    [59.9999999999, "1m"],
    [-5, "-5s"],
  ])("%d becomes %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  test("what is written is read back to the nanosecond", () => {
    for (let step = 0; step < 500; step += 1) {
      const seconds = (step * 7919 * 0.001 * step) % 400_000;

      const back = parseDuration(formatDuration(seconds));

      expect(back).toBeCloseTo(seconds, 8);
    }
  });
});

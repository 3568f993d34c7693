import { expect, test } from "bun:test";
import { cacheLimits } from "./cache-limits.ts";

const DAY = 86_400;

test("cacheLimits() turns a share into bytes of the file system", () => {
  for (const [settings, limits] of [
    [
      { max_age: DAY, min_free: { percent: 5 } },
      { maxAge: DAY, minFree: 50_000 },
    ],
    [
      { max_age: DAY, min_free: { percent: 0.00015 } },
      { maxAge: DAY, minFree: 1 },
    ],
    [
      { max_size: 7, max_age: DAY, min_free: { bytes: 3 } },
      { maxSize: 7, maxAge: DAY, minFree: 3 },
    ],
  ] as const) {
    expect(cacheLimits(settings, 1_000_000)).toEqual(limits);
  }
});

test("cacheLimits() leaves out what is 0", () => {
  for (const min_free of [{ percent: 0 }, { bytes: 0 }] as const) {
    expect(cacheLimits({ max_size: 0, max_age: 0, min_free }, 1_000_000)).toEqual({});
  }
});

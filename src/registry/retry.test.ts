import { expect, test } from "bun:test";
import { nextTry, type Problem, retryAfter } from "./retry.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const PASSING: Problem = { failure: "unreachable", said: "it is down", passing: true };
const FACTS = { failed: 1, attempts: 6, now: NOW, deadline: NOW + 600_000, random: 0 };

test.each([
  [1, 1000],
  [2, 2000],
  [3, 4000],
  [5, 16_000],
  [6, 30_000],
  [60, 30_000],
])("waits twice as long each time: after %p failures %p ms", (failed, wait) => {
  expect(nextTry(PASSING, { ...FACTS, failed, attempts: 100 })).toEqual({ wait });
});

test("makes a wait up to half as long by chance", () => {
  expect(nextTry(PASSING, { ...FACTS, failed: 3, random: 1 })).toEqual({ wait: 2000 });
});

test("adds chance to the time that a registry asks for", () => {
  const problem = { ...PASSING, retryAfter: 20_000 };
  expect(nextTry(problem, FACTS)).toEqual({ wait: 20_000 });
  expect(nextTry(problem, { ...FACTS, random: 0.5 })).toEqual({ wait: 20_500 });
});

test.each([
  ["what does not pass", { ...PASSING, passing: false }, {}, ""],
  ["all tries used", PASSING, { failed: 6 }, "after 6 tries"],
  ["no time left", PASSING, { deadline: NOW + 900 }, "after 1 try: the time for it is over"],
  [
    "a wish beyond the deadline",
    { ...PASSING, retryAfter: 3_600_000 },
    {},
    "the registry wants to be asked again in 3600 s, but only 600 s are left",
  ],
])("stops at %s", (_, problem, facts, stop) => {
  expect(nextTry(problem, { ...FACTS, ...facts })).toEqual({ stop });
});

test.each([
  ["120", 120_000],
  ["0", 0],
  ["Tue, 24 Nov 2026 12:00:30 GMT", 30_000],
  ["Tue, 24 Nov 2026 11:00:00 GMT", 0],
  ["soon", undefined],
  ["-5", undefined],
  ["1.5", undefined],
  [null, undefined],
])("reads Retry-After %p", (header, milliseconds) => {
  expect(retryAfter(header, NOW)).toBe(milliseconds);
});

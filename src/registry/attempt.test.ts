import { expect, test } from "bun:test";
import { isStalled } from "./attempt.ts";

const LIMITS = { attempts: 6, answer: 60_000, stallWindow: 60_000, stallBytes: 60_000 };

test.each([
  ["nothing came", 0, 60_000, true],
  ["1 kB/s came", 59_999, 60_000, true],
  ["a little more came", 60_000, 60_000, false],
  ["this host's disk took half of the time", 100, 30_000, false],
  ["this host's disk took all of the time", 0, 0, false],
])("a body is stalled if %s in a minute: %p bytes, waited for %p ms", (_, bytes, idle, stalled) => {
  expect(isStalled(LIMITS, bytes, idle)).toBe(stalled);
});

import { expect, test } from "bun:test";
import { pbs } from "./pbs.ts";
import type { Answer } from "./scheduler.ts";
import { lookUp } from "./submit.ts";

const OFF: Answer = {
  status: 1,
  stdout: "",
  stderr: "qselect: PBS is not configured to maintain job history\n",
};
const NONE: Answer = { status: 0, stdout: "", stderr: "" };
const DOWN: Answer = { status: 162, stdout: "", stderr: "Connection refused\n" };
const FOUND: Answer = { status: 0, stdout: "12.srv\n", stderr: "" };

/** What lookUp() says when PBS answers so about jobs that have not ended and about those that have. */
function found(active: Answer, ended: Answer) {
  return lookUp("ci0", {
    scheduler: pbs,
    call: ({ argv }) => Promise.resolve(argv.includes("-x") ? ended : active),
    sleep: () => Promise.resolve(),
  });
}

test("a job that ended before anybody asked is found where there is a history", async () => {
  expect(await found(NONE, FOUND)).toBe("12.srv");
  expect(await found(FOUND, OFF)).toBe("12.srv");
});

test("there is none only when all questions were answered", async () => {
  expect(await found(NONE, NONE)).toBe("none");
  expect(await found(NONE, OFF)).toBe("none");
  expect(await found(DOWN, DOWN)).toBe("unknown");
  expect(await found(NONE, DOWN)).toBe("unknown");
});

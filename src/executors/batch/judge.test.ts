import { expect, test } from "bun:test";
import { judge, readMarker } from "./judge.ts";
import type { Ending, JobState } from "./scheduler.ts";

const NONCE = "abc";
const ended = (ending: Ending): JobState => ({ phase: "ended", word: "X", ending });
const completed = ended({ kind: "completed" });
const marker = (word: "exited" | "cut" | "none", status: number, nonce = NONCE) => ({
  word,
  status,
  nonce,
});
const timeLimit = ended({ kind: "cut", fault: "user", message: "time limit" });
const nodeFail = ended({ kind: "cut", fault: "system", message: "node failure" });

function outcome(state: JobState, found: ReturnType<typeof marker> | undefined, starts = 1) {
  return judge({ job: "Job 1", nonce: NONCE, marker: found, starts, state });
}

test("only the script's own 0, one start and a scheduler that agrees are green", () => {
  expect(outcome(completed, marker("exited", 0))).toEqual({ kind: "exited", status: 0 });
  expect(outcome({ phase: "forgotten" }, marker("exited", 0))).toEqual({
    kind: "exited",
    status: 0,
  });
  expect(outcome({ phase: "running", word: "COMPLETING" }, marker("exited", 0))).toEqual({
    kind: "exited",
    status: 0,
  });
  for (const [state, found, starts] of [
    [completed, undefined, 1],
    [completed, marker("cut", 0), 1],
    [completed, marker("none", 0), 1],
    [completed, marker("exited", 0, "other"), 1],
    [completed, marker("exited", 0), 2],
    [timeLimit, marker("exited", 0), 1],
    [nodeFail, marker("exited", 0), 1],
    [ended({ kind: "failed", reason: "NonZeroExitCode", status: 1 }), marker("exited", 0), 1],
    [{ phase: "forgotten" }, undefined, 0],
  ] as const) {
    expect(outcome(state, found, starts).kind).not.toBe("exited");
  }
});

test("the script's own status is passed on, also when the scheduler calls the job failed", () => {
  expect(
    outcome(ended({ kind: "failed", reason: "NonZeroExitCode", status: 7 }), marker("exited", 7)),
  ).toEqual({ kind: "exited", status: 7 });
  expect(outcome(timeLimit, marker("exited", 3))).toEqual({ kind: "exited", status: 3 });
});

test("whose fault it is follows the scheduler's reason", () => {
  expect(outcome(timeLimit, undefined)).toMatchObject({
    kind: "refused",
    refusal: { fault: "user", message: "time limit" },
  });
  expect(outcome(nodeFail, undefined)).toMatchObject({ kind: "failed", message: "node failure" });
  expect(outcome(completed, undefined, 0)).toMatchObject({ kind: "failed" });
});

test("a marker that is torn, empty or garbage is none", () => {
  expect(readMarker("v1 12 0 abc exited 0\n")).toEqual(marker("exited", 0));
  expect(readMarker("v1 12  abc cut 143")).toEqual(marker("cut", 143));
  for (const text of [
    undefined,
    "",
    "v1 12 0 abc exi",
    "v2 12 0 abc exited 0",
    "v1 12 0 abc exited 0 0",
    "0",
  ]) {
    expect(readMarker(text)).toBeUndefined();
  }
});

test("a job that is back in the queue after its start is named as such, and never green", () => {
  const waits = { phase: "pending", word: "PENDING", reason: "BeginTime" } as const;
  for (const found of [marker("cut", 143), marker("none", 125), undefined]) {
    expect(outcome(waits, found)).toMatchObject({
      kind: "failed",
      message: expect.stringContaining("back into the queue by the scheduler (PENDING, BeginTime)"),
    });
  }
  // The scheduler may be slow to tell that a job has started.
  expect(outcome(waits, marker("exited", 0))).toEqual({ kind: "exited", status: 0 });
});

test("why nothing is known about an end is said, where the scheduler's state tells it", () => {
  const forgotten = { phase: "forgotten", note: "no history" } as const;
  for (const [found, starts] of [
    [undefined, 0],
    [undefined, 1],
    [marker("cut", 143), 1],
    [marker("none", 125), 1],
  ] as const) {
    const judged = outcome(forgotten, found, starts);
    expect(judged).toMatchObject({
      kind: "failed",
      message: expect.stringContaining("(no history)"),
    });
  }
  expect(outcome(forgotten, marker("exited", 7))).toEqual({ kind: "exited", status: 7 });
});

import { expect, test } from "bun:test";
import { exitCodes, type Outcome } from "./outcome.ts";

const CODES = { buildFailure: 1, systemFailure: 2 };

function refused(fault: "user" | "admin" | "system"): Outcome {
  return { kind: "refused", refusal: { fault, message: "no", from: "image:" } };
}

test("exitCodes() passes on a success without an exit-code file", () => {
  expect(exitCodes({ kind: "exited", status: 0 }, CODES)).toEqual({ exit: 0 });
});

test("exitCodes() reports the script's own status through the file", () => {
  for (const status of [1, 2, 31, 49, 84, 125, 137, 255]) {
    expect(exitCodes({ kind: "exited", status }, CODES)).toEqual({
      exit: 1,
      exitCodeFile: String(status),
    });
  }
});

test("exitCodes() blames the user for a user's refusal only", () => {
  expect(exitCodes(refused("user"), CODES)).toEqual({ exit: 1 });
  expect(exitCodes(refused("admin"), CODES)).toEqual({ exit: 2 });
  expect(exitCodes(refused("system"), CODES)).toEqual({ exit: 2 });
});

test("exitCodes() never turns a failure or a cancellation into a success", () => {
  const failed = { kind: "failed", message: "x" } as const;

  expect(exitCodes({ ...failed, retryable: true }, CODES)).toEqual({ exit: 2 });
  expect(exitCodes({ ...failed, retryable: false }, CODES)).toEqual({ exit: 2 });
  expect(exitCodes({ kind: "cancelled", message: "x" }, CODES)).toEqual({ exit: 2 });
});

test("exitCodes() uses the codes that the runner gives", () => {
  const codes = { buildFailure: 101, systemFailure: 102 };

  expect(exitCodes({ kind: "exited", status: 1 }, codes).exit).toBe(101);
  expect(exitCodes(refused("admin"), codes).exit).toBe(102);
});

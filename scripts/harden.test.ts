import { describe, expect, test } from "bun:test";
import { HARDENING, type Hardening, harden } from "./harden.ts";

const TABLE: Hardening = {
  names: [
    { name: "BUN_ONE", reason: "test" },
    { name: "OTHER", reason: "test", only: "arm64" },
  ],
  sweep: { prefix: "BUN_", longest: 20, except: ["BUN_KEEP"], count: { x64: 1, arm64: 1 } },
  edits: [{ what: "slice", reason: "test", find: "aBUN_Xb", replace: "a\0UN_Xb" }],
};
const GOOD = "code\0BUN_ONE\0text BUN_ONE text\0BUN_TWO\0BUN_KEEP\0aBUN_Xb\0";

function hardened(text: string, table: Hardening = TABLE): string {
  return harden(Buffer.from(text, "latin1"), "x64", table).toString("latin1");
}

describe("harden()", () => {
  test("makes named and swept C strings empty and applies edits, and changes nothing else", () => {
    expect(hardened(GOOD)).toBe(
      "code\0\0UN_ONE\0text BUN_ONE text\0\0UN_TWO\0BUN_KEEP\0a\0UN_Xb\0",
    );
  });

  test("leaves its argument as it was", () => {
    const executable = Buffer.from(GOOD, "latin1");
    harden(executable, "x64", TABLE);
    expect(executable.toString("latin1")).toBe(GOOD);
  });

  test("takes two C strings that share a NUL for two", () => {
    const table = { ...TABLE, edits: [], sweep: { ...TABLE.sweep, count: { x64: 2, arm64: 0 } } };
    expect(hardened("\0BUN_ONE\0BUN_TWO\0BUN_SIX\0", table)).toBe(
      "\0\0UN_ONE\0\0UN_TWO\0\0UN_SIX\0",
    );
  });

  test("does not sweep names longer than the table allows", () => {
    const long = `BUN_${"X".repeat(40)}`;
    expect(hardened(`${GOOD}${long}\0`)).toContain(`\0${long}\0`);
  });

  test.each([
    ["a name is missing", GOOD.replace("\0BUN_ONE\0", "\0BUN_ONCE\0"), "BUN_ONE: 0 times"],
    ["a name occurs twice", `${GOOD}BUN_ONE\0`, "BUN_ONE: 2 times"],
    [
      "there is an unknown name",
      `${GOOD}BUN_NEW\0`,
      "other BUN_* names: 2, wanted 1: BUN_TWO BUN_NEW",
    ],
    ["an edit has no place", GOOD.replace("aBUN_Xb", "aBUN_Yb"), "slice: 0 times, wanted 1"],
    ["an edit has two places", `${GOOD}aBUN_Xb\0`, "slice: 2 times, wanted 1"],
  ])("throws when %s", (_, text, message) => {
    expect(() => hardened(text)).toThrow(message);
  });

  test("throws when an edit would move bytes", () => {
    const edits = [{ what: "slice", reason: "test", find: "aBUN_Xb", replace: "a" }];
    expect(() => hardened(GOOD, { ...TABLE, edits })).toThrow("slice: lengths differ");
  });

  test("names each mistake in one message", () => {
    expect(() => hardened("")).toThrow(/BUN_ONE.*\n.*other BUN_.*\n.*slice/);
  });
});

describe("HARDENING", () => {
  test("names nothing twice for one architecture", () => {
    for (const architecture of ["x64", "arm64"]) {
      const names = HARDENING.names
        .filter((entry) => (entry.only ?? architecture) === architecture)
        .map((entry) => entry.name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("has edits that change something and keep the length", () => {
    for (const { find, replace } of HARDENING.edits) {
      expect(replace).not.toBe(find);
      expect(replace.length).toBe(find.length);
    }
  });
});

import { describe, expect, test } from "bun:test";
import { decodeString, parseToml } from "./toml.ts";

describe("parseToml", () => {
  test("gives the document", () => {
    const parsed = parseToml("[a]\nb = [1, 'x']\r\n");

    expect(parsed.ok && JSON.stringify(parsed.document)).toBe('{"a":{"b":[1,"x"]}}');
  });

  test.each([
    ['a = 1\nb = "', 2, 5, "TOML syntax error: unfinished string"],
    ["a=1\na=2", 2, 1, "TOML syntax error: trying to redefine an already defined table or value"],
    ["[a\n", 1, 3, "TOML syntax error: illegal character in key"],
    [
      "a = 9007199254740993",
      1,
      5,
      "TOML syntax error: integer value cannot be represented losslessly",
    ],
    [
      "a = shell",
      1,
      5,
      'TOML syntax error: invalid value; a string must stand in quotes, e.g. "shell"',
    ],
  ])("%p: line, column and one line of message", (text, line, column, message) => {
    expect(parseToml(text)).toEqual({ ok: false, line, column, message });
  });

  test("the message does not show the value of the line", () => {
    const parsed = parseToml('token = "glpat-\\q"');

    expect(JSON.stringify(parsed)).not.toContain("glpat");
  });

  test("nesting without end is an error and not a crash", () => {
    expect(parseToml(`a = ${"[".repeat(100_000)}`).ok).toBe(false);
  });
});

test("decodeString resolves escapes", () => {
  expect(decodeString('"a\\u0041\\t"')).toBe("aA\t");
});

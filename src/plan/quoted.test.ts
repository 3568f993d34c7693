import { expect, test } from "bun:test";
import { quoted } from "./quoted.ts";

test("quoted() keeps a plain value readable", () => {
  expect(quoted("registry.example/group/image:tag")).toBe('"registry.example/group/image:tag"');
  expect(quoted('a "b"')).toBe('"a \\"b\\""');
});

test("quoted() leaves no character that could disturb a terminal", () => {
  const text = quoted("a\nb\u001b[31m\u007f\u0085\u202e\u2028c");

  expect(text).toBe('"a\\nb\\u001b[31m\\u007f\\u0085\\u202e\\u2028c"');
  expect(JSON.parse(text)).toBe("a\nb\u001b[31m\u007f\u0085\u202e\u2028c");
});

test("quoted() cuts a long value", () => {
  expect(quoted("x".repeat(5000)).length).toBeLessThan(220);
  expect(quoted("x".repeat(5000))).toEndWith('…"');
});

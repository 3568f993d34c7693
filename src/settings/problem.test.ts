import { expect, test } from "bun:test";
import { formatProblem, sortProblems } from "./problem.ts";

test("a problem is one line with position", () => {
  const problem = { file: "/etc/jacamar.toml", line: 3, column: 7, key: "a.b", message: "wrong" };

  expect(formatProblem(problem)).toBe("/etc/jacamar.toml:3:7: wrong");
});

test("a problem without a position names the file, and without a file nothing", () => {
  expect(formatProblem({ file: "/x", message: "wrong" })).toBe("/x: wrong");
  expect(formatProblem({ file: "", message: "wrong" })).toBe("wrong");
});

test("control characters cannot break the line or the terminal", () => {
  const line = formatProblem({ file: "/a\nb", message: "\u001b[31m\u2028x\u202e" });

  expect(line).toBe("/a\\u000ab: \\u001b[31m\\u2028x\\u202e");
});

test("problems are sorted by line and column, those without a line first", () => {
  const at = (line: number, column: number) => ({ file: "f", line, column, message: "" });

  const sorted = sortProblems([at(10, 1), at(2, 9), at(2, 3), { file: "f", message: "" }]);

  expect(sorted.map((problem) => [problem.line, problem.column])).toEqual([
    [undefined, undefined],
    [2, 3],
    [2, 9],
    [10, 1],
  ]);
});

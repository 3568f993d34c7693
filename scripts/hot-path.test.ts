import { expect, test } from "bun:test";
import { checkHotPath } from "./hot-path.ts";

const check = (sources: Record<string, string>) => checkHotPath(new Map(Object.entries(sources)));

test("finds a heavy module behind several files, and names the way", () => {
  const problems = check({
    "src/commands/run.ts": 'import { a } from "../host/a.ts";',
    "src/host/a.ts": 'import { b } from "./b.ts";\nimport "node:fs";',
    "src/host/b.ts": 'import { randomBytes } from "node:crypto";',
  });
  expect(problems).toEqual([
    "run loads node:crypto: src/commands/run.ts → src/host/a.ts → src/host/b.ts",
  ]);
});

test("passes over types, import() and other commands", () => {
  const problems = check({
    "src/commands/run.ts": 'import type { T } from "citty";\nconst c = await import("citty");',
    "src/commands/config.ts": 'import { type } from "arktype";',
  });
  expect(problems).toEqual([]);
});

test("finds a tool of admins that comes with a hook", () => {
  const problems = check({
    "src/commands/cli.ts": 'import { a } from "./a.ts";\nawait import("./check.ts");',
    "src/commands/a.ts": 'import { check } from "../check/check-file.ts";',
    "src/check/check-file.ts": 'import "citty";',
    "src/commands/check.ts": "",
  });
  expect(problems).toEqual([
    "a hook loads src/check/check-file.ts: src/commands/cli.ts → src/commands/a.ts → src/check/check-file.ts",
  ]);
});

import { describe, expect, test } from "bun:test";
import { importsOf } from "./imports.ts";
import { checkLayers } from "./layers.ts";

function check(sources: Record<string, string>): string[] {
  return checkLayers(new Map(Object.entries(sources)));
}

describe("checkLayers()", () => {
  test("accepts what the rules allow", () => {
    const problems = check({
      "src/main.ts":
        'import { runMain } from "citty";\nconst run = await import("./commands/run.ts");',
      "src/commands/run.ts":
        'import { a } from "../executors/a.ts";\nimport "../settings/toml.ts";',
      "src/executors/a.ts": 'import { b } from "../charliecloud/b.ts";\nimport "node:fs";',
      "src/charliecloud/b.ts": 'import text from "../bash/b.bash" with { type: "text" };',
      "src/plan/decision.ts": 'import type { Job } from "../job/job.ts";\nimport "re2js";',
      "src/job/job.ts": 'import type { Decision } from "../plan/decision.ts";',
      "src/settings/toml.ts": 'import { parse } from "smol-toml";',
      "src/settings/schema.ts":
        'import { type } from "arktype/internal/scope.js";\nimport "@ark/schema";',
    });
    expect(problems).toEqual([]);
  });

  test.each([
    ["main.ts", "src/main.ts", "./plan/x.ts"],
    ["commands", "src/commands/a.ts", "../main.ts"],
    ["check", "src/check/a.ts", "../commands/x.ts"],
    ["executors", "src/executors/a.ts", "../settings/x.ts"],
    ["executors upward", "src/executors/a.ts", "../commands/x.ts"],
    ["charliecloud", "src/charliecloud/a.ts", "../executors/x.ts"],
    ["plan", "src/plan/a.ts", "../host/x.ts"],
    ["settings", "src/settings/a.ts", "../plan/x.ts"],
    ["job", "src/job/a.ts", "../settings/x.ts"],
    ["bash", "src/bash/a.ts", "../host/x.ts"],
    ["host", "src/host/a.ts", "../job/x.ts"],
    ["flatten", "src/flatten/a.ts", "../charliecloud/x.ts"],
  ])("refuses an import out of the order: %s", (_, file, specifier) => {
    for (const statement of [
      `import { x } from "${specifier}";`,
      `import type { X } from "${specifier}";`,
      `const x = await import("${specifier}");`,
      `export { x } from "${specifier}";`,
      `export type { X } from "${specifier}";`,
      `import "${specifier}";`,
      `type X = typeof import("${specifier}");`,
    ])
      expect(check({ [file]: `\n${statement}` })).toEqual([
        expect.stringMatching(new RegExp(`^${file}:2: .*may not import`)),
      ]);
  });

  test("allows job types of plan/decision.ts and nothing else of it", () => {
    const value = 'import { accept } from "../plan/decision.ts";';
    expect(check({ "src/job/a.ts": value })).toEqual([
      "src/job/a.ts:1: may import only types from src/plan/decision.ts",
    ]);
    expect(check({ "src/job/a.ts": 'import type { A } from "../plan/other.ts";' })).toHaveLength(1);
  });

  test.each(["node:fs", "fs", "bun", "bun:ffi"])("refuses %s in plan", (specifier) => {
    expect(check({ "src/plan/a.ts": `import x from "${specifier}";` })).toEqual([
      `src/plan/a.ts:1: plan is pure and may not import ${specifier}`,
    ]);
  });

  test.each([
    ["smol-toml", "src/settings/read.ts"],
    ["arktype", "src/plan/a.ts"],
    ["@ark/schema", "src/commands/a.ts"],
    ["citty", "src/host/a.ts"],
  ])("refuses %s in %s", (specifier, file) => {
    expect(check({ [file]: `import { x } from "${specifier}";` })).toEqual([
      expect.stringContaining("may import"),
    ]);
  });

  test("refuses unknown rooms and imports from outside src/", () => {
    expect(check({ "src/util/a.ts": "" })).toEqual(["src/util/a.ts: no such room: util"]);
    expect(check({ "src/host/a.ts": 'import "../../scripts/b.ts";' })).toEqual([
      "src/host/a.ts:1: imports scripts/b.ts, which is outside src/",
    ]);
  });

  test("finds cycles of values and leaves cycles of types", () => {
    expect(
      check({
        "src/host/a.ts": 'import "./b.ts";',
        "src/host/b.ts": 'import "./c.ts";',
        "src/host/c.ts": 'const b = import("./b.ts");',
      }),
    ).toEqual(["import cycle: src/host/b.ts → src/host/c.ts → src/host/b.ts"]);
    expect(
      check({
        "src/host/a.ts": 'import type { B } from "./b.ts";',
        "src/host/b.ts": 'import { a } from "./a.ts";',
      }),
    ).toEqual([]);
  });
});

describe("importsOf()", () => {
  test("reads statements over several lines, and type from value", () => {
    const source =
      'import {\n  type A,\n  b,\n} from "./x.ts";\nimport type from "./y.ts";\nimport type { E } from "./z.ts";';
    expect(importsOf("f", source)).toEqual([
      { specifier: "./x.ts", typeOnly: false, dynamic: false, line: 1 },
      { specifier: "./y.ts", typeOnly: false, dynamic: false, line: 5 },
      { specifier: "./z.ts", typeOnly: true, dynamic: false, line: 6 },
    ]);
  });

  test("passes over comments, templates and strings about imports", () => {
    const source = [
      '// import "./a.ts";',
      '/* import "./b.ts"; */',
      'const t = `import "./c.ts";`;',
      "const s = 'import \"./d.ts\"';",
      'const url = "https://x//y"; export const e = 1;',
    ].join("\n");
    expect(importsOf("f", source).filter((one) => one.specifier !== "./d.ts")).toEqual([]);
  });
});

import { describe, expect, test } from "bun:test";
import { addCounts, countsOf } from "./test-counts.ts";

describe("countsOf()", () => {
  test("reads the closing lines", () => {
    const output = "a.test.ts:\n(pass) 3 pass\n\n 12 pass\n 1 skip\n 2 fail\n 3 expect() calls\n";
    expect(countsOf(output, 1)).toEqual({ passed: 12, failed: 2 });
  });

  test("reads them in colour, and the last where a test printed such lines itself", () => {
    const output = " 7 pass\n 7 fail\n\n\x1b[32m 4 pass\x1b[0m\n\x1b[2m 0 fail\x1b[0m\n";
    expect(countsOf(output, 0)).toEqual({ passed: 4, failed: 0 });
  });

  test.each([
    ["without closing lines", "Segmentation fault\n", 139, { passed: 0, failed: 1 }],
    ["without closing lines, status 0", "", 0, { passed: 0, failed: 1 }],
    ["that failed after its tests", " 2 pass\n 0 fail\n", 1, { passed: 2, failed: 1 }],
  ])("counts a run %s as failed", (_, output, exitCode, counts) => {
    expect(countsOf(output, exitCode)).toEqual(counts);
  });
});

test("addCounts() adds both", () => {
  expect(addCounts({ passed: 1, failed: 2 }, { passed: 3, failed: 4 })).toEqual({
    passed: 4,
    failed: 6,
  });
});

test("countsOf() understands the bun that is installed", () => {
  const run = (source: string) => {
    const directory = `/var/tmp/jacamar-counts-${process.pid}`;
    const file = `${directory}/x.test.ts`;
    Bun.spawnSync(["mkdir", "-p", directory]);
    Bun.spawnSync(["tee", file], { stdin: Buffer.from(source) });
    const { stderr, exitCode } = Bun.spawnSync([process.execPath, "test", file]);
    Bun.spawnSync(["rm", "-r", directory]);
    return countsOf(stderr.toString(), exitCode);
  };
  const imports = 'import { expect, test } from "bun:test";\n';
  expect(run(`${imports}test("a", () => {});test("b", () => expect(1).toBe(2));`)).toEqual({
    passed: 1,
    failed: 1,
  });
  expect(run('throw new Error("no test here");')).toEqual({ passed: 0, failed: 1 });
});

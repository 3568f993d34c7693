import { expect, test } from "bun:test";
import type { FileReport } from "./check-file.ts";
import type { Finding } from "./finding.ts";
import { fingerprints } from "./fingerprint.ts";
import { formatGitlab, formatJson, formatSarif } from "./format-reports.ts";
import { formatText } from "./format-text.ts";
import { FILE_RULES } from "./rules.ts";

const AT = { file: "etc/j.toml", line: 2, column: 3 } as const;
const WRONG: Finding = { ...AT, level: "error", rule: "wrong-value", key: "a.b[1]", message: "no" };

function report(findings: readonly Finding[], ...lines: string[]): FileReport {
  return { file: "etc/j.toml", readable: true, findings, lines };
}

const context = { directory: "/work", version: "1.2.3", rules: FILE_RULES };

test("text: position, level, message and key, then the line with a caret", () => {
  const unplaced: Finding = { file: "f", level: "info", rule: "x", message: "all of it" };
  expect(formatText([report([WRONG, unplaced], "# one", "\tb = 1")], false).split("\n")).toEqual([
    "etc/j.toml:2:3: error: no (a.b[1])",
    "     b = 1",
    "      ^",
    "f: info: all of it",
    "1 file: 1 error, 1 info",
  ]);
  expect(formatText([report([]), report([])], false)).toBe("2 files: nothing found");
});

test("text: the caret stands right below wide characters and in long lines", () => {
  const wide = 'k = "日本" # x';
  const at = (column: number, line: string) =>
    formatText([report([{ ...WRONG, line: 1, column }], line)], false).split("\n");
  expect(at(10, wide)[2]).toBe(`    ${" ".repeat(11)}^`);
  const long = `${"a".repeat(500)}X${"b".repeat(500)}`;
  const [, shown = "", caret = ""] = at(501, long);
  expect(shown[caret.indexOf("^")]).toBe("X");
  expect(shown.length).toBeLessThan(130);
});

test("text: control characters of the file do nothing, and a line with a secret is not shown", () => {
  const lines = ["x", '  b = "\u001b[2J"'];
  expect(formatText([report([WRONG], ...lines)], false)).toContain('  b = "\\u001b[2J"');
  for (const line of ['  "MY_ENV=hidden"', "  api_key = 'hidden'", '  PASSWORD = "hidden"']) {
    expect(formatText([report([WRONG], "x", line)], false)).not.toContain("hidden");
  }
});

test("text: colours only where they are asked for", () => {
  expect(formatText([report([WRONG], "x", "  y")], true)).toContain("\u001b[31merror\u001b[0m");
  expect(formatText([report([WRONG], "x", "  y")], false)).not.toContain("\u001b");
});

test("json: findings as they are", () => {
  const data = JSON.parse(formatJson([report([WRONG]), { ...report([]), readable: false }]));
  expect(data).toEqual({
    version: 1,
    files: [
      { file: "etc/j.toml", readable: true },
      { file: "etc/j.toml", readable: false },
    ],
    findings: [WRONG],
  });
});

test("gitlab: the keys that GitLab reads, severities that it knows", () => {
  const more = (["warning", "info"] as const).map((level) => ({
    ...WRONG,
    level,
    rule: "refused",
  }));
  const absolute: Finding = { file: "/work/x", level: "error", rule: "unreadable", message: "m" };
  const issues = JSON.parse(formatGitlab([report([WRONG, ...more, absolute])], context));
  expect(issues[0]).toEqual({
    description: "a.b[1]: no",
    check_name: "wrong-value",
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    severity: "critical",
    location: { path: "etc/j.toml", lines: { begin: 2 } },
  });
  expect(issues.map(({ severity }: { severity: string }) => severity)).toEqual([
    "critical",
    "minor",
    "info",
    "critical",
  ]);
  expect(issues[3].location).toEqual({ path: "x", lines: { begin: 1 } });
});

test("sarif: each result names a rule of the run, a level of SARIF and a URI", () => {
  const odd: Finding = { file: "/etc/a b#.toml", level: "info", rule: "ignored", message: "m" };
  const near: Finding = { ...WRONG, file: "./sub dir/j.toml" };
  const log = JSON.parse(formatSarif([report([WRONG, odd, near])], context));
  expect(log.version).toBe("2.1.0");
  const [run] = log.runs;
  expect(run.tool.driver).toMatchObject({ name: "jacamar check", version: "1.2.3" });
  expect(run.columnKind).toBe("utf16CodeUnits");
  for (const { ruleId, ruleIndex } of run.results) {
    expect(run.tool.driver.rules[ruleIndex].id).toBe(ruleId);
  }
  expect(run.results[0]).toMatchObject({
    level: "error",
    message: { text: "a.b[1]: no" },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: "etc/j.toml" },
          region: { startLine: 2, startColumn: 3 },
        },
        logicalLocations: [{ fullyQualifiedName: "a.b[1]", kind: "member" }],
      },
    ],
  });
  const places = run.results.map((result: { locations: { physicalLocation: object }[] }) =>
    result.locations.map(({ physicalLocation }) => physicalLocation),
  );
  expect(run.results[1].level).toBe("note");
  expect(places[1]).toEqual([{ artifactLocation: { uri: "file:///etc/a%20b%23.toml" } }]);
  expect(places[2][0].artifactLocation.uri).toBe("sub%20dir/j.toml");
  expect(run.invocations).toEqual([{ executionSuccessful: true }]);
  const unread = JSON.parse(formatSarif([{ ...report([]), readable: false }], context));
  expect(unread.runs[0].invocations).toEqual([{ executionSuccessful: false }]);
});

test("fingerprints stay when lines and elements before a finding go, and differ otherwise", () => {
  const path = (file: string) => file;
  const [first = ""] = fingerprints([WRONG], path);
  expect(fingerprints([{ ...WRONG, line: 90, column: 1, key: "a.b[7]" }], path)).toEqual([first]);
  const others = [
    WRONG,
    { ...WRONG, key: "a.b[2]" },
    { ...WRONG, message: "other" },
    { ...WRONG, rule: "refused" },
    { ...WRONG, file: "x" },
    { ...WRONG, key: "a.c" },
  ];
  const names = fingerprints(others, path);
  expect(names[0]).toBe(first);
  expect(new Set(names).size).toBe(others.length);
});

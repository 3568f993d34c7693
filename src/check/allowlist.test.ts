import { expect, test } from "bun:test";
import { parseReference } from "../plan/reference.ts";
import { compilePattern } from "../settings/patterns.ts";
import { findNeverMatching, findOpenHosts, findUnescapedDots } from "./allowlist.ts";
import type { Evidence, Regret } from "./finding.ts";

type Finder = (evidence: Pick<Evidence, "tables">, compile: typeof compilePattern) => Regret[];

function ask(find: Finder, ...image_allowlist: unknown[]): string[] {
  const tables = new Map([["general.charliecloud", { image_allowlist }]]);
  return find({ tables }, compilePattern).map(({ message }) => message);
}

const NEVER: readonly (readonly [string, string])[] = [
  ["https://registry.example.org/", 'a name has no scheme and no "//"'],
  ["docker://debian", 'a name has no scheme and no "//"'],
  ["/group/", 'a name does not begin with "/"'],
  ["^ debian", 'a name has no " "'],
  ["debian latest", 'a name has no " "'],
  ["\\*", 'a name has no "*"'],
  ["debian$:12", "something stands behind its $"],
  ["debian\\z.", "something stands behind its $"],
  ["a.^b", "something stands before its ^"],
  ["registry\\.example\\.org/|^x^|.\\A", ""],
  ["(?:/a|\\?b)c", 'a name does not begin with "/"'],
  ["[a-z]+^", "something stands before its ^"],
  ["\\Q*\\E", 'a name has no "*"'],
];

test("a pattern that no image name can match is found, with the reason", () => {
  for (const [pattern, reason] of NEVER) {
    const wanted = reason === "" ? [] : [`never matches an image name: ${reason}`];
    expect([pattern, ask(findNeverMatching, pattern, "x")]).toEqual([pattern, wanted]);
  }
});

const NAMES = [
  "debian",
  "debian:12",
  "group/image:v1.2_x",
  "registry.example.org/group/sub-group/image__x@sha256:0123456789012345678901234567890123456789012345678901234567890123",
  "localhost:5000/a",
  "Registry.Example.Org/a:B",
  "9base/x",
];

const PATTERNS = [
  ...NEVER.map(([pattern]) => pattern),
  "",
  ".*",
  "^",
  "^^debian$",
  "^debian$",
  "(?i)REGISTRY\\.example\\.org/",
  "(^registry\\.example\\.org|^localhost:5000)/a",
  "(?:^|x)debian",
  "x*^debian",
  "/?debian",
  "(/)?/?group/",
  " *debian",
  " {0}debian",
  "( |)debian",
  "[/]?9base",
  "$|debian",
  "(debian|$)(:|$)12",
  "\\pL+",
  "\\x64ebian",
  "[[:alpha:]]+:12",
  "[]x-]?debian",
  "\\Qdebian\\E$",
  "(?P<host>[^/]+)/",
  "\\bdebian\\b",
];

test("a pattern that some image name matches is never called one that does not", () => {
  let matched = 0;
  for (const pattern of PATTERNS) {
    const compiled = compilePattern(pattern);
    const forms = NAMES.flatMap((name) => {
      const reference = parseReference(name);
      return reference.ok ? [reference.value.written, reference.value.canonical] : [];
    });
    const matches = compiled.ok && forms.some((form) => compiled.matchesFromStart(form));
    matched += matches ? 1 : 0;
    if (matches) expect([pattern, ask(findNeverMatching, pattern)]).toEqual([pattern, []]);
  }
  expect(matched).toBe(PATTERNS.length - NEVER.length + 1);
});

test('".^" alone means no image at all; beside others it is of no use', () => {
  expect(ask(findNeverMatching, ".^")).toEqual([]);
  expect(ask(findNeverMatching, ".^", "debian")).toHaveLength(1);
});

test.each([
  ["registry.example.org/", "registry\\.example\\.org/"],
  ["^registry\\.example.org/a.b", "^registry\\.example\\.org/a.b"],
  ["(a.org|b\\.org)/x.y", "(a\\.org|b\\.org)/x.y"],
  ["registry.example.org:5000/", "registry\\.example\\.org:5000/"],
])("an unescaped dot in a host is found: %s", (pattern, wanted) => {
  expect(ask(findUnescapedDots, pattern)).toEqual([
    `a dot in the host matches any character, so other hosts fit as well; wanted '${wanted}'`,
  ]);
});

test.each([
  "registry\\.example\\.org/",
  "registry[.]example[.]org/a.b",
  "\\Qregistry.example.org/\\E",
  ".*/x",
  "debian:12.5",
  "group/image.x",
  ".",
  "[a-z.]+/",
])("a dot that is meant, or stands behind the host, is not: %s", (pattern) => {
  expect(ask(findUnescapedDots, pattern)).toEqual([]);
});

test("a host without a slash behind it is open at its end", () => {
  for (const pattern of [
    "registry\\.example\\.org",
    "^registry.example.org",
    "a/|x\\.example\\.org",
  ]) {
    expect([pattern, ask(findOpenHosts, pattern)]).toEqual([
      pattern,
      [expect.stringContaining("wanted a slash behind the host")],
    ]);
  }
  for (const pattern of ["registry\\.example\\.org/", "debian", "debian:12.5", "x\\.org$", "a.*"]) {
    expect([pattern, ask(findOpenHosts, pattern)]).toEqual([pattern, []]);
  }
});

test("what RE2 refuses, empty texts and other types are left to the errors", () => {
  const odd = ["(", "", 7, "/(", "registry.example.org/("];
  for (const find of [findNeverMatching, findUnescapedDots, findOpenHosts]) {
    expect(ask(find, ...odd)).toEqual([]);
  }
  const tables = new Map([["general.charliecloud", { image_allowlist: ["ok/", "/x"] }]]);
  expect(findNeverMatching({ tables }, compilePattern)[0]?.path).toEqual([
    "general",
    "charliecloud",
    "image_allowlist",
    1,
  ]);
});

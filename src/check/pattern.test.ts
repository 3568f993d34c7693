import { expect, test } from "bun:test";
import { type Branches, readPattern } from "./pattern.ts";

/** `a` a literal, `_` another character, `a?` optional, `a+` quantified, `^`, `$`, `(…)`. */
function sketch(branches: Branches): string {
  const one = branches.map((branch) =>
    branch
      .map((item) => {
        if (item.kind === "start") return "^";
        if (item.kind === "end") return "$";
        if (item.kind === "group") return `(${sketch(item.branches)})${item.optional ? "?" : ""}`;
        const mark = item.optional ? "?" : item.quantified ? "+" : "";
        return `${item.kind === "any" ? "." : item.char || "_"}${mark}`;
      })
      .join(""),
  );
  return one.join("|");
}

test.each([
  ["^a\\.b$", "^a.b$"],
  ["\\Aa|b\\z", "^a|b$"],
  ["a*b+?c??d{2}e{0,3}f{1,}", "a?b+c?d+e?f+"],
  ["[.]x[^a]y[]a]z[[:alpha:]_]w[\\]]", ".x_y_z_w_"],
  ["\\dx\\pL\\p{Greek}y\\x41\\x{10FFFF}\\n", "_x__y___"],
  ["(?i)a(?:b|c)?(?P<n>d)(?<m>e)*", "a(b|c)?(d)(e)?"],
  ["((a|b)c|)d", "((a|b)c|)d"],
  ["\\Qa.b\\E.\\Qc", "a.b.c"],
  ["\\ba\\B", "a"],
  ["a{b", "a{b"],
])("%s is read as %s", (pattern, wanted) => {
  expect(sketch(readPattern(pattern))).toBe(wanted);
});

test("offsets are those of the text", () => {
  const [branch = []] = readPattern("a\\.b.c");
  expect(branch.map((item) => ("at" in item ? item.at : -1))).toEqual([0, 1, 3, 4, 5]);
});

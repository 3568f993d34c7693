import { describe, expect, test } from "bun:test";
import { quoteCommand, quoteWord } from "./quote.ts";

/** What a shell makes of a command line of `printf` with these words. */
function words(shell: readonly string[], text: string, locale = "C.UTF-8"): string[] {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...shell, "-c", `printf '%s\\0' ${text}`], {
    env: { PATH: "/usr/bin:/bin", LC_ALL: locale },
    cwd: "/",
  });
  expect({ stderr: stderr.toString(), exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout.toString().split("\0").slice(0, -1);
}

const SHELLS = [["/bin/bash"], ["/bin/bash", "--posix"], ["/bin/dash"], ["/bin/busybox", "sh"]];

const HARD = [
  "",
  " ",
  "'",
  "''",
  "'a'b'",
  '"',
  "\\",
  "\\'",
  "a b",
  "a\nb\n",
  "\n",
  "\t",
  "\r\n",
  "$HOME",
  "$(id)",
  "`id`",
  "${x:-y}",
  "!!",
  "*",
  "/*",
  "~",
  "~root",
  "#no comment",
  "a#b",
  "-n",
  "--",
  "a=b",
  "{a,b}",
  "a;b",
  "a&b",
  "a|b>c<d",
  "(x)",
  "[a-z]",
  "%s\\n",
  "\x01\x02\x1b[0m\x7f",
  "ä ö",
  "🎉👩‍👩‍👧",
  "e\u0301 \u00a0 \u2028 \ufeff \ufffd",
  "\u0080\u009f",
  "\u{10ffff}",
];

/** The same words in each run. */
function randomWords(count: number): string[] {
  const characters = [..." \n\t'\"\\$`!*?[]{}()<>|&;#~=%^,.-_/@:+aZ09éλ字🎉\u0301\u00a0\x01\x7f"];
  let state = 20_250_101;
  const random = (limit: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * limit);
  };
  const word = () =>
    Array.from({ length: random(12) }, () => characters[random(characters.length)] ?? "").join("");
  return Array.from({ length: count }, word);
}

describe("what is quoted arrives as it was", () => {
  for (const shell of SHELLS) {
    for (const locale of ["C.UTF-8", "C"]) {
      test(`in ${shell.join(" ")}, locale ${locale}`, () => {
        const all = [...HARD, ...randomWords(1500)];
        expect(words(shell, all.map(quoteWord).join(" "), locale)).toEqual(all);
        expect(words(shell, quoteCommand(all), locale)).toEqual(all);
      });
    }
  }
});

test("what needs no quotes has none, so that people can read it", () => {
  for (const plain of [
    "ch-run",
    "--bind=/a/b:/c",
    "registry.example:5000/x/y@sha256:0a,1",
    "a_b%c+d",
  ])
    expect(quoteWord(plain)).toBe(plain);
  expect(quoteCommand(["ch-run", "--set-env=A=b c", "", "it's"])).toBe(
    "ch-run '--set-env=A=b c' '' 'it'\\''s'",
  );
  expect(quoteCommand([])).toBe("");
});

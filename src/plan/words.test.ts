import { expect, test } from "bun:test";
import { splitWords } from "./words.ts";

function words(text: string): readonly string[] {
  const split = splitWords(text);
  if (!split.ok) {
    throw new Error(split.message);
  }
  return split.words;
}

test("splitWords() splits at blanks and newlines", () => {
  expect(words("")).toEqual([]);
  expect(words(" \t\n ")).toEqual([]);
  expect(words("--set-env=A=b  -b\t/x\n/y ")).toEqual(["--set-env=A=b", "-b", "/x", "/y"]);
});

test("splitWords() joins adjacent pieces and keeps empty quoted words", () => {
  expect(words(`a'b c'"d e"\\ f`)).toEqual(["ab cd e f"]);
  expect(words(`'' "" x''`)).toEqual(["", "", "x"]);
  expect(words(`--set-env='A=b c'`)).toEqual(["--set-env=A=b c"]);
});

test("splitWords() knows which backslashes count inside double quotes", () => {
  expect(words(String.raw`"\$ \" \\ \n \'"`)).toEqual([String.raw`$ " \ \n \'`]);
  expect(words('"\\`"')).toEqual(["`"]);
  expect(words('"a\\\nb"')).toEqual(["ab"]);
  expect(words(String.raw`'a\'`)).toEqual(["a\\"]);
});

test("splitWords() drops line continuations without making or ending a word", () => {
  expect(words("a\\\nb")).toEqual(["ab"]);
  expect(words("a \\\n b")).toEqual(["a", "b"]);
  expect(words("\\\n")).toEqual([]);
});

test("splitWords() evaluates nothing", () => {
  const text = "$HOME ${X} $(id) `id` * ? [a] ; | & # > x ~ {a,b} !";

  expect(words(text)).toEqual(text.split(" "));
  expect(words('"$(id)"')).toEqual(["$(id)"]);
});

test("splitWords() keeps carriage returns, other spaces and any Unicode in words", () => {
  expect(words("a\r\u00a0b é😀")).toEqual(["a\r\u00a0b", "é😀"]);
});

test("splitWords() refuses open quotes and a final backslash, quoting the word", () => {
  for (const [text, part] of [
    ["-x --set-env='A b", '"--set-env=\'A b"'],
    ['a "b c', '"\\"b c"'],
    ['"a\\"', "double quote"],
    ["a b\\", '"b\\\\"'],
    ["'", "single quote"],
    ["'a'b'", "\"'a'b'\""],
  ] as const) {
    const split = splitWords(text);
    expect(split).toMatchObject({ ok: false, message: expect.stringContaining(part) });
  }
});

/** Reproducible pseudo-random numbers (xorshift), so that a failure can be repeated. */
function sampler(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

// A word list in an array assignment lets newlines separate words, as in splitWords().
const BASH = `set -f
for text in "$@"; do
  words=()
  if eval "words=( $text
)" 2>/dev/null; then printf '%s\\0' "\${#words[@]}" "\${words[@]}"; else printf 'error\\0'; fi
done`;

test("splitWords() splits as bash does", () => {
  const alphabet = ["a", "b", "=", "-", " ", "\t", "\n", "'", '"', "\\", "\\\n", "\\'", '\\"', "é"];
  const pick = sampler(20_240_607);
  const texts = Array.from({ length: 3000 }, () =>
    Array.from({ length: pick(12) }, () => alphabet[pick(alphabet.length)]).join(""),
  ).filter((text) => splitWords(text).ok || !text.endsWith("\\"));

  const bash = Bun.spawnSync(["bash", "--norc", "-c", BASH, "bash", ...texts], { env: {} });
  const fields = bash.stdout.toString().split("\0");

  for (const text of texts) {
    const split = splitWords(text);
    const head = fields.shift();
    if (head === "error") {
      expect([text, split.ok]).toEqual([text, false]);
    } else {
      expect([text, fields.splice(0, Number(head))]).toEqual([
        text,
        split.ok ? [...split.words] : [],
      ]);
    }
  }
  expect(fields).toEqual([""]);
});

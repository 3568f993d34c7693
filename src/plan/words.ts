import { quoted } from "./quoted.ts";

export type Split =
  | { readonly ok: true; readonly words: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** One step of reading: a gap between words, text that belongs to a word, or a joint that is neither. */
type Piece =
  | { readonly kind: "gap" | "joint"; readonly end: number }
  | { readonly kind: "text"; readonly text: string; readonly end: number }
  | { readonly kind: "problem"; readonly problem: string };

/**
 * Splits a text into words as a POSIX shell does: at blanks and newlines, with single quotes, double quotes,
 * backslashes and line continuations. Nothing is expanded or evaluated: `$`, backquotes, `*`, `;` and `#` are
 * ordinary characters. An open quote or a backslash at the end is an error, whose message quotes the word.
 */
export function splitWords(text: string): Split {
  const words: string[] = [];
  let word: string | undefined;
  let start = 0;
  let at = 0;
  while (at < text.length) {
    const piece = pieceAt(text, at);
    if (piece.kind === "problem") {
      const rest = quoted(text.slice(word === undefined ? at : start));
      return { ok: false, message: `Cannot split into words: ${piece.problem} in ${rest}` };
    }
    if (piece.kind === "text") {
      start = word === undefined ? at : start;
      word = (word ?? "") + piece.text;
    } else if (piece.kind === "gap" && word !== undefined) {
      words.push(word);
      word = undefined;
    }
    at = piece.end;
  }
  return { ok: true, words: word === undefined ? words : [...words, word] };
}

function pieceAt(text: string, at: number): Piece {
  switch (text[at]) {
    case " ":
    case "\t":
    case "\n":
      return { kind: "gap", end: at + 1 };
    case "'":
      return singleQuoted(text, at);
    case '"':
      return doubleQuoted(text, at);
    case "\\":
      return escaped(text, at);
    default:
      return plain(text, at);
  }
}

function singleQuoted(text: string, at: number): Piece {
  const close = text.indexOf("'", at + 1);
  return close === -1
    ? { kind: "problem", problem: "a single quote (') is not closed" }
    : { kind: "text", text: text.slice(at + 1, close), end: close + 1 };
}

function doubleQuoted(text: string, at: number): Piece {
  let value = "";
  for (let index = at + 1; index < text.length; index += 1) {
    const character = text[index] ?? "";
    const next = text[index + 1] ?? "";
    if (character === '"') {
      return { kind: "text", text: value, end: index + 1 };
    }
    if (character !== "\\" || !'$`"\\\n'.includes(next) || next === "") {
      value += character;
      continue;
    }
    value += next === "\n" ? "" : next;
    index += 1;
  }
  return { kind: "problem", problem: 'a double quote (") is not closed' };
}

function escaped(text: string, at: number): Piece {
  const next = text[at + 1];
  if (next === undefined) {
    return { kind: "problem", problem: "nothing follows the last backslash (\\)" };
  }
  return next === "\n" ? { kind: "joint", end: at + 2 } : { kind: "text", text: next, end: at + 2 };
}

function plain(text: string, at: number): Piece {
  let end = at + 1;
  while (end < text.length && !" \t\n'\"\\".includes(text[end] ?? "")) {
    end += 1;
  }
  return { kind: "text", text: text.slice(at, end), end };
}

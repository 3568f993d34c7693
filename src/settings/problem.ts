import type { Mistake } from "./mistake.ts";

/** One thing wrong (or, as a warning, odd) in a configuration file. */
export interface Problem {
  /** Absolute path of the file. */
  readonly file: string;
  /** 1-based; absent where the whole file is meant. */
  readonly line?: number;
  /** 1-based, in UTF-16 code units; present whenever `line` is. */
  readonly column?: number;
  /** Dotted path of the key, e.g. `general.charliecloud.image_allowlist[1]`. */
  readonly key?: string;
  /** One line: what was found, the value seen, what is wanted. */
  readonly message: string;
  /** Absent where it is not about a key of the file. */
  readonly kind?: Mistake["kind"];
  /** The message without the key before it; present whenever `kind` is. */
  readonly complaint?: string;
}

/** `FILE:LINE:COLUMN: MESSAGE`, or `FILE: MESSAGE` where there is no position. Always one line. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, message } = problem;
  const where = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return oneLine(where === "" ? message : `${where}: ${message}`);
}

/** A sorted copy: problems without a position first, then by line and column. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return problems.toSorted(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

// A terminal acts on control characters, and a log reader on line separators, wherever they come from.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Replaces control and direction characters by `\uXXXX`, so that the text stays on one line. */
export function oneLine(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The text, cut with an ellipsis where it is longer than that many UTF-16 code units. */
export function shorten(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

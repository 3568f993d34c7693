import { keyPath } from "./key-path.ts";
import { decodeString } from "./toml.ts";

/** A place in the text; both are 1-based, the column counts UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a key or table header stands, and for a key with a value, where the value begins. */
export interface Location extends Position {
  readonly value?: Position;
}

interface Offsets {
  readonly key: number;
  readonly value?: number;
}

interface Scan {
  readonly text: string;
  /** Where the next token begins. */
  at: number;
  /** Offsets by key path. */
  readonly found: Map<string, Offsets>;
  /** How many elements each array of tables has so far, by key path. */
  readonly counts: Map<string, number>;
}

type Steps = (string | number)[];

/** Keys further down are not located. */
const DEEPEST = 12;

/**
 * Finds where each key of a TOML text stands, which the parser does not tell. Keys of the result are paths as
 * `keyPath` writes them; elements of lists and of arrays of tables have an index. A table has the position of its
 * header, or of the first key or header that implies it. What is more than twelve steps deep is left out.
 *
 * @param text TOML that has been parsed without an error; for other text the result means nothing.
 */
export function locateKeys(text: string): ReadonlyMap<string, Location> {
  const scan: Scan = { text, at: 0, found: new Map(), counts: new Map() };
  let table: Steps = [];
  for (skipVoid(scan); scan.at < text.length; skipVoid(scan)) {
    if (text[scan.at] === "[") table = scanHeader(scan);
    else scanPair(scan, table);
  }
  const starts = lineStarts(text);
  return new Map(Array.from(scan.found, ([path, offsets]) => [path, locate(starts, offsets)]));
}

function scanHeader(scan: Scan): Steps {
  const start = scan.at;
  const isArray = scan.text.startsWith("[[", start);
  scan.at += isArray ? 2 : 1;
  const names = scanKey(scan).map((part) => part.name);
  scan.at += isArray ? 2 : 1;

  const last = names.pop() ?? "";
  const path: Steps = [];
  for (const name of names) enter(scan, path, name, start);
  if (!isArray) {
    enter(scan, path, last, start);
    put(scan, path, { key: start });
    return path;
  }
  step(path, last);
  note(scan, path, start);
  const key = keyPath(path);
  const index = scan.counts.get(key) ?? 0;
  scan.counts.set(key, index + 1);
  step(path, index);
  put(scan, path, { key: start });
  return path;
}

/** Goes one name down; in an array of tables that means its last element. */
function enter(scan: Scan, path: Steps, name: string, offset: number): void {
  step(path, name);
  note(scan, path, offset);
  const count = scan.counts.get(keyPath(path));
  if (count !== undefined) step(path, count - 1);
}

function scanPair(scan: Scan, table: Steps): void {
  const path = [...table];
  for (const part of scanKey(scan)) {
    step(path, part.name);
    note(scan, path, part.offset);
  }
  scan.at += 1;
  skipVoid(scan);
  const key = scan.found.get(keyPath(path))?.key ?? scan.at;
  put(scan, path, { key, value: scan.at });
  scanValue(scan, path);
}

function note(scan: Scan, path: Steps, offset: number): void {
  if (!scan.found.has(keyPath(path))) put(scan, path, { key: offset });
}

function put(scan: Scan, path: Steps, offsets: Offsets): void {
  if (path.length <= DEEPEST) scan.found.set(keyPath(path), offsets);
}

// A path of thousands of steps would cost its length at every step; beyond the limit it stays as it is.
function step(path: Steps, next: string | number): void {
  if (path.length <= DEEPEST) path.push(next);
}

/** Reads a dotted key and the blanks behind it; stops at the `=` or `]`. */
function scanKey(scan: Scan): { name: string; offset: number }[] {
  const parts: { name: string; offset: number }[] = [];
  do {
    if (parts.length > 0) scan.at += 1;
    skipBlanks(scan);
    const offset = scan.at;
    parts.push({ name: scanName(scan), offset });
    skipBlanks(scan);
  } while (scan.text[scan.at] === ".");
  return parts;
}

function scanName(scan: Scan): string {
  const start = scan.at;
  const quote = scan.text[start];
  if (quote === '"' || quote === "'") {
    skipString(scan);
    const quoted = scan.text.slice(start, scan.at);
    return quoted.includes("\\") && quote === '"' ? decodeString(quoted) : quoted.slice(1, -1);
  }
  skipWhile(scan, /[A-Za-z0-9_-]+/y);
  return scan.text.slice(start, scan.at);
}

function scanValue(scan: Scan, path: Steps): void {
  const first = scan.text[scan.at];
  if (first === '"' || first === "'") skipString(scan);
  else if (first === "[") scanList(scan, path);
  else if (first === "{") scanInlineTable(scan, path);
  // A date may hold a blank between day and time, so what ends a number does not end every value.
  else skipWhile(scan, /[^\s,\]}#]+(?: \d\d:[^\s,\]}#]+)?/y);
}

function scanList(scan: Scan, path: Steps): void {
  scan.at += 1;
  for (let index = 0; !closes(scan, "]"); index += 1) {
    const element = [...path];
    step(element, index);
    note(scan, element, scan.at);
    scanValue(scan, element);
  }
}

function scanInlineTable(scan: Scan, path: Steps): void {
  scan.at += 1;
  while (!closes(scan, "}")) scanPair(scan, path);
}

/** Skips to the next element; true, behind the bracket, where there is none. */
function closes(scan: Scan, bracket: string): boolean {
  skipVoid(scan);
  if (scan.text[scan.at] === ",") {
    scan.at += 1;
    skipVoid(scan);
  }
  if (scan.at < scan.text.length && scan.text[scan.at] !== bracket) return false;
  scan.at += 1;
  return true;
}

// By hand, character by character: a regular expression would need a stack as long as the string.
function skipString(scan: Scan): void {
  const { text } = scan;
  const quote = text.charAt(scan.at);
  const isBlock = text.startsWith(quote.repeat(3), scan.at);
  const end = isBlock ? quote.repeat(3) : quote;
  let at = scan.at + end.length;
  while (at < text.length && !text.startsWith(end, at)) {
    at += quote === '"' && text[at] === "\\" ? 2 : 1;
  }
  at += end.length;
  // Up to two quotes before the closing three belong to the text.
  for (let extra = 0; isBlock && extra < 2 && text[at] === quote; extra += 1) at += 1;
  scan.at = at;
}

function skipVoid(scan: Scan): void {
  skipWhile(scan, /\s+/y, true);
  while (scan.text[scan.at] === "#") {
    skipWhile(scan, /#[^\n]*\s*/y);
  }
}

function skipBlanks(scan: Scan): void {
  skipWhile(scan, /[ \t]+/y, true);
}

/** Moves behind what the sticky pattern matches; by one character where it must match and does not. */
function skipWhile(scan: Scan, pattern: RegExp, optional = false): void {
  pattern.lastIndex = scan.at;
  if (pattern.test(scan.text)) scan.at = pattern.lastIndex;
  else if (!optional) scan.at += 1;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (const match of text.matchAll(/\n/g)) starts.push(match.index + 1);
  return starts;
}

function locate(starts: readonly number[], { key, value }: Offsets): Location {
  const position = positionAt(starts, key);
  return value === undefined ? position : { ...position, value: positionAt(starts, value) };
}

function positionAt(starts: readonly number[], offset: number): Position {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}

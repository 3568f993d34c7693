import { collect } from "./collect.ts";
import type { ByteString, LayerEntry } from "./layer-index.ts";

/**
 * Members of a layer one after another in few bytes, about 30 for most. A row is numbers of 7 bits a byte, lowest first,
 * and bytes: type (and 8 for a sparse file), mode, mtime, size, offset, how many bytes of the path are as in the row before,
 * how many follow, these; then of a link the target's length and bytes; of a sparse file the count of parts and two
 * numbers for each.
 */
const TYPES: readonly LayerEntry["type"][] = [
  "file",
  "directory",
  "symlink",
  "hardlink",
  "special",
];
const SPARSE = 8;
const SLASH = 47;
/** As much of a path as the next one can share. */
const LONGEST_SHARED = 4096;
/** Bytes that a number can take: it is below 2^53. */
const LONGEST_NUMBER = 8;
const FIRST_SIZE = 4096;

/** What a row says besides its names. */
export type RowNumbers = Pick<LayerEntry, "type" | "mode" | "mtime" | "size" | "offset" | "stored">;

/** Collects rows. */
export function startRows(): {
  readonly add: (entry: LayerEntry) => void;
  readonly done: () => Buffer;
} {
  let bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
  let used = 0;
  let before = "";
  const reserve = (size: number) => {
    if (used + size <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 1.5, used + size));
    bytes.copy(larger, 0, 0, used);
    bytes = larger;
  };
  const number = (value: number) => {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes[used++] = (rest % 128) | 128;
    bytes[used++] = rest;
  };
  const text = (value: ByteString) => {
    number(value.length);
    used += bytes.write(value, used, "latin1");
  };
  const add = ({ type, mode, mtime, size, offset, path, link, stored }: LayerEntry) => {
    const numbers = 9 + 2 * (stored?.length ?? 0);
    reserve(numbers * LONGEST_NUMBER + path.length + (link?.length ?? 0));
    const shared = countShared(before, path);
    number(TYPES.indexOf(type) | (stored ? SPARSE : 0));
    for (const value of [mode, mtime, size, offset, shared]) number(value);
    text(path.slice(shared));
    if (type === "symlink" || type === "hardlink") text(link ?? "");
    if (stored) number(stored.length);
    for (const part of stored ?? []) for (const value of part) number(value);
    before = path;
    collect();
  };
  return { add, done: () => Buffer.from(bytes.subarray(0, used)) };
}

function countShared(one: ByteString, other: ByteString): number {
  const most = Math.min(one.length, other.length, LONGEST_SHARED);
  let at = 0;
  while (at < most && one.charCodeAt(at) === other.charCodeAt(at)) at++;
  return at;
}

/** A member and where its row begins, for {@link numbersAt}. */
export interface Row extends LayerEntry {
  readonly at: number;
  /** The path in two: its directory, and its last name, which is no part of a longer string and so keeps none in memory. */
  readonly parent: ByteString;
  readonly name: ByteString;
}

/**
 * Members in their order.
 *
 * @throws RangeError when these are no rows
 */
export function* readRows(rows: Buffer): Generator<Row, void> {
  const reader = readerOf(rows, 0);
  const before = Buffer.alloc(LONGEST_SHARED);
  let kept = 0;
  let parent = "";
  let depth = -1;
  while (reader.at() < rows.length) {
    const at = reader.at();
    const first = reader.number();
    const numbers = readNumbers(reader, first);
    const shared = reader.number();
    if (shared > kept) throw NO_ROWS;
    const rest = reader.bytes();
    const end = shared + rest.length;
    const isLong = end > LONGEST_SHARED;
    const whole = isLong ? Buffer.concat([before.subarray(0, shared), rest]) : before;
    rest.copy(before, shared);
    kept = Math.min(end, LONGEST_SHARED);
    const slash = end === 0 ? -1 : whole.lastIndexOf(SLASH, end - 1);
    const name = whole.toString("latin1", slash + 1, end);
    // Most members lie beside the one before.
    if (slash !== depth || slash >= shared)
      parent = whole.toString("latin1", 0, Math.max(slash, 0));
    depth = slash;
    const path = slash < 0 ? name : `${parent}/${name}`;
    const isLink = numbers.type === "symlink" || numbers.type === "hardlink";
    const link = isLink ? reader.bytes().toString("latin1") : undefined;
    const stored = first & SPARSE ? readStored(reader) : undefined;
    collect();
    yield {
      at,
      path,
      parent,
      name,
      ...numbers,
      ...(link !== undefined && { link }),
      ...(stored && { stored }),
    };
  }
}

/** What the row at this place says besides its names; see {@link Row}. */
export function numbersAt(rows: Buffer, at: number): RowNumbers {
  const reader = readerOf(rows, at);
  const first = reader.number();
  const numbers = readNumbers(reader, first);
  if (!(first & SPARSE)) return numbers;
  reader.number();
  reader.bytes();
  return { ...numbers, stored: readStored(reader) };
}

const NO_ROWS = new RangeError("the index of a layer is damaged");

interface Reader {
  readonly at: () => number;
  readonly number: () => number;
  /** Valid as long as the rows are. */
  readonly bytes: () => Buffer;
}

function readerOf(rows: Buffer, start: number): Reader {
  let at = start;
  const number = () => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = rows[at++];
      if (byte === undefined) throw NO_ROWS;
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  const bytes = () => {
    const end = number() + at;
    if (end > rows.length) throw NO_ROWS;
    const found = rows.subarray(at, end);
    at = end;
    return found;
  };
  return { at: () => at, number, bytes };
}

function readNumbers(reader: Reader, first: number): Omit<RowNumbers, "stored"> {
  const type = TYPES[first & (SPARSE - 1)];
  if (type === undefined) throw NO_ROWS;
  const mode = reader.number();
  const mtime = reader.number();
  const size = reader.number();
  return { type, mode, mtime, size, offset: reader.number() };
}

function readStored(reader: Reader): (readonly [number, number])[] {
  const stored: (readonly [number, number])[] = [];
  for (let left = reader.number(); left > 0; left--)
    stored.push([reader.number(), reader.number()]);
  return stored;
}

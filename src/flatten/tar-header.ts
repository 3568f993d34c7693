import { type ByteString, UnreadableLayer } from "./layer-index.ts";

export const BLOCK = 512;

/** The fields of one header block that matter for an image; owners do not. */
export interface TarHeader {
  readonly name: ByteString;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  /** The type flag, "0" for the NUL of old archives. */
  readonly type: string;
  readonly link: ByteString;
}

/** Reads a header block; undefined for a block of zeros, which ends an archive. */
export function readHeader(block: Buffer): TarHeader | undefined {
  const sum = checkSum(block);
  if (sum.unsigned === NUL_SUM && block.every((byte) => byte === 0)) return undefined;
  const stored = readNumber(block, 148, 8, "checksum");
  if (stored !== sum.unsigned && stored !== sum.signed) {
    throw new UnreadableLayer("corrupt", "a tar header's checksum is wrong");
  }
  const flag = block[156] ?? 0;
  const isPosix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? readString(block, 345, 155) : "";
  const name = readString(block, 0, 100);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: readNumber(block, 100, 8, "mode"),
    size: readNumber(block, 124, 12, "size"),
    mtime: readNumber(block, 136, 12, "mtime"),
    type: flag === 0 ? "0" : String.fromCharCode(flag),
    link: readString(block, 157, 100),
  };
}

/** The sum over a block of zeros, where the checksum's own field counts as spaces. */
const NUL_SUM = 8 * 32;

function checkSum(block: Buffer): { unsigned: number; signed: number } {
  let unsigned = NUL_SUM;
  let high = 0;
  for (let at = 0; at < BLOCK; at++) {
    if (at === 148) at = 156;
    const byte = block[at] ?? 0;
    unsigned += byte;
    if (byte > 127) high++;
  }
  // Some old programs summed signed characters.
  return { unsigned, signed: unsigned - 256 * high };
}

/** Up to the first NUL. */
export function readString(block: Buffer, start: number, length: number): ByteString {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString("latin1", start, end);
}

/** Octal digits among spaces and NULs, or GNU's base 256 when the first bit is set. */
export function readNumber(block: Buffer, start: number, length: number, field: string): number {
  const first = block[start] ?? 0;
  if (first & 0x80) return readBase256(block, start, length, field);
  const text = readString(block, start, length).trim();
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) {
    throw new UnreadableLayer("corrupt", `a tar header's ${field} is not a number`);
  }
  return Number.parseInt(text, 8);
}

/** Two's complement, whose first bit marks the encoding and the second one is the sign. */
function readBase256(block: Buffer, start: number, length: number, field: string): number {
  const first = (block[start] ?? 0) & 0x7f;
  let value = first & 0x40 ? first - 0x80 : first;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + (block[at] ?? 0);
  if (!Number.isSafeInteger(value)) {
    throw new UnreadableLayer("corrupt", `a tar header's ${field} is too large`);
  }
  return value;
}

/** The records of a PAX header in their order; a key may be there several times. Values are bytes. */
export function readPax(body: Buffer): (readonly [string, ByteString])[] {
  const text = body.toString("latin1");
  const records: (readonly [string, ByteString])[] = [];
  for (let at = 0; at < text.length && text[at] !== "\0"; ) {
    const space = text.indexOf(" ", at);
    const length = space < 0 ? Number.NaN : Number(text.slice(at, space));
    const equals = text.indexOf("=", space);
    const end = at + length;
    const isRecord =
      Number.isInteger(length) && equals > 0 && equals < end && text[end - 1] === "\n";
    if (!isRecord || end > text.length) {
      throw new UnreadableLayer("corrupt", "a PAX header's record is malformed");
    }
    records.push([text.slice(space + 1, equals), text.slice(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

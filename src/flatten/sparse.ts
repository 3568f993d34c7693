import { type ByteString, type LayerEntry, UnreadableLayer } from "./layer-index.ts";
import type { Want } from "./scan-tar.ts";
import { BLOCK, readNumber } from "./tar-header.ts";

/** Where the stored parts of a sparse file belong. */
export interface SparseMap {
  /** Bytes of the whole file. */
  readonly size: number;
  /** [start, length], in the order in which they are stored. */
  readonly stored: readonly (readonly [number, number])[];
  /** Bytes that the map itself takes of the member's body. */
  readonly mapBytes: number;
}

type Pair = readonly [number, number];
/** A file in more pieces than this is no file but an attack on memory. */
const MOST_PIECES = 1_000_000;

/** GNU tar's own format (type `S`): four pieces in the header, then blocks of 21 as long as each announces another. */
export function* readSparseBlocks(header: Buffer): Generator<Want, SparseMap, Buffer> {
  const size = readNumber(header, 483, 12, "real size");
  const stored = readPieces(header, 386, 4);
  let more = header[482] !== 0;
  while (more) {
    const block = yield { read: BLOCK };
    stored.push(...readPieces(block, 0, 21));
    more = block[504] !== 0;
    checkCount(stored.length);
  }
  return { size, stored, mapBytes: 0 };
}

function readPieces(block: Buffer, start: number, count: number): Pair[] {
  const pieces: Pair[] = [];
  for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24) {
    pieces.push([readNumber(block, at, 12, "offset"), readNumber(block, at + 12, 12, "length")]);
  }
  return pieces;
}

/** The three formats in PAX headers: 0.0 and 0.1 have the map there, 1.0 at the start of the body. */
export function* readSparsePax(
  pax: readonly (readonly [string, ByteString])[],
  type: LayerEntry["type"],
): Generator<Want, SparseMap | undefined, Buffer> {
  const said = new Map(pax);
  const isSparse = pax.some(([key]) => key.startsWith("GNU.sparse."));
  if (!isSparse || type !== "file") return undefined;
  const size = whole(said.get("GNU.sparse.realsize") ?? said.get("GNU.sparse.size"));
  if (said.get("GNU.sparse.major") === "1") {
    const { numbers, mapBytes } = yield* readBodyMap();
    return { size, stored: pairs(numbers), mapBytes };
  }
  const map = said.get("GNU.sparse.map")?.split(",");
  const single = pax.filter(([key]) => /^GNU\.sparse\.(offset|numbytes)$/.test(key));
  const numbers = map ?? single.map(([, value]) => value);
  return { size, stored: pairs(numbers.filter((one) => one !== "").map(whole)), mapBytes: 0 };
}

/** One number a line: how many pieces, then two a piece; filled up to whole blocks. */
function* readBodyMap(): Generator<Want, { numbers: number[]; mapBytes: number }, Buffer> {
  const numbers: number[] = [];
  let rest = "";
  for (let mapBytes = BLOCK; ; mapBytes += BLOCK) {
    const lines = (rest + (yield { read: BLOCK }).toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (numbers.length === 0 || numbers.length <= 2 * (numbers[0] ?? 0))
        numbers.push(whole(line));
    }
    checkCount(numbers.length / 2);
    if (numbers.length > 2 * (numbers[0] ?? Number.POSITIVE_INFINITY)) {
      return { numbers: numbers.slice(1), mapBytes };
    }
  }
}

function pairs(numbers: readonly number[]): Pair[] {
  checkCount(numbers.length / 2);
  if (numbers.length % 2 !== 0) throw new UnreadableLayer("corrupt", "a sparse file's map is odd");
  return numbers.flatMap((start, at): Pair[] =>
    at % 2 === 0 ? [[start, numbers[at + 1] ?? 0]] : [],
  );
}

function whole(text: string | undefined): number {
  const value = /^\d+$/.test(text ?? "") ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new UnreadableLayer("corrupt", "a sparse file's map has something that is not a number");
}

function checkCount(count: number): void {
  if (count > MOST_PIECES) {
    throw new UnreadableLayer("unsuitable", `a sparse file has more than ${MOST_PIECES} pieces`);
  }
}

import { crc32 } from "node:zlib";
import type { LayerIndex } from "./layer-index.ts";

const VERSION = 2;
/** Bytes of the first line; filled up with spaces, so that the rows' place is known. */
const LINE = 256;

/** A layer's index in the bytes that are kept beside the blob: a line of JSON, then the rows. */
export function noteOf({ diffId, size, rows }: LayerIndex): readonly Uint8Array[] {
  const head = { version: VERSION, diffId, size, bytes: rows.length, crc32: crc32(rows) };
  const line = `${JSON.stringify(head).padEnd(LINE - 1)}\n`;
  return [Buffer.from(line), rows];
}

/** The index in a note; undefined when the note is torn, of another version, or of another layer. */
export function indexOf(note: Buffer, wanted: string): LayerIndex | undefined {
  try {
    const head: unknown = JSON.parse(note.toString("utf8", 0, LINE));
    const { version, diffId, size, bytes, crc32: sum } = head as Record<string, unknown>;
    const rows = note.subarray(LINE);
    const fits = version === VERSION && diffId === wanted && typeof size === "number";
    const whole = bytes === rows.length && sum === crc32(rows);
    return fits && whole ? { diffId: wanted, size, rows } : undefined;
  } catch {
    return undefined;
  }
}

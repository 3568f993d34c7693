import type { ByteString } from "./layer-index.ts";
import { BLOCK } from "./tar-header.ts";

export type WrittenType = "file" | "hardlink" | "symlink" | "directory";

/** A member's header; paths are relative to the image's root, "" for the root itself. */
export interface Member {
  readonly type: WrittenType;
  readonly path: ByteString;
  readonly mode: number;
  readonly mtime: number;
  /** Bytes that follow, for a file. */
  readonly size?: number;
  readonly link?: ByteString;
}

const FLAGS: Readonly<Record<WrittenType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  directory: "5",
};
/** What eleven octal digits hold. */
const LARGEST_OCTAL = 8 ** 11 - 1;

/** Bytes of zeros that end a tar. */
export const END_OF_TAR: number = 2 * BLOCK;
/** Names of up to 4095 bytes, which is what a plan can have, need no more. */
export const LARGEST_HEADER: number = 32 * BLOCK;

/**
 * Writes the header blocks of a member into `bytes` and returns where they end. The format is GNU's: unlike PAX, it takes
 * names of any bytes and length as they are, whatever the locale of the program that reads them.
 */
export function writeHeader(
  { type, path, mode, mtime, size = 0, link = "" }: Member,
  bytes: Buffer,
  start: number,
): number {
  const name = type === "directory" && path !== "" ? `./${path}/` : `./${path}`;
  // A hard link names another member.
  const target = type === "hardlink" ? `./${link}` : link;
  let at = writeLongName("L", name, bytes, start);
  at = writeLongName("K", target, bytes, at);
  return writeBlock(bytes, at, { flag: FLAGS[type], name, target, mode, mtime, size });
}

/** Bytes of zeros after a body of so many bytes. */
export function paddingAfter(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function writeLongName(flag: string, name: ByteString, bytes: Buffer, start: number): number {
  if (name.length <= 100) return start;
  // A NUL ends it.
  const size = name.length + 1;
  const about = { flag, name: "././@LongLink", target: "", mode: 0, mtime: 0, size };
  const at = writeBlock(bytes, start, about);
  const end = at + size + paddingAfter(size);
  bytes.fill(0, at, end);
  bytes.write(name, at, "latin1");
  return end;
}

interface Block {
  readonly flag: string;
  readonly name: ByteString;
  readonly target: ByteString;
  readonly mode: number;
  readonly mtime: number;
  readonly size: number;
}

function writeBlock(buffer: Buffer, start: number, block: Block): number {
  const bytes = buffer.subarray(start, start + BLOCK);
  bytes.fill(0);
  bytes.write(block.name.slice(0, 100), 0, "latin1");
  writeNumber(bytes, 100, 8, block.mode);
  writeNumber(bytes, 108, 8, 0);
  writeNumber(bytes, 116, 8, 0);
  writeNumber(bytes, 124, 12, block.size);
  writeNumber(bytes, 136, 12, block.mtime);
  bytes.fill(" ", 148, 156);
  bytes.write(block.flag, 156, "latin1");
  bytes.write(block.target.slice(0, 100), 157, "latin1");
  bytes.write("ustar  \0", 257, "latin1");
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += bytes[at] ?? 0;
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return start + BLOCK;
}

function writeNumber(bytes: Buffer, at: number, length: number, value: number): void {
  if (value <= LARGEST_OCTAL) {
    bytes.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
    return;
  }
  bytes.writeBigUInt64BE(BigInt(value), at + length - 8);
  bytes[at] = 0x80;
}

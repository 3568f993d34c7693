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

/** Two blocks of zeros. */
export const END_OF_TAR: Buffer = Buffer.alloc(2 * BLOCK);

/**
 * The header blocks of a member in GNU's format: unlike PAX, it takes names of any bytes and length as they are, whatever
 * the locale of the program that reads them.
 */
export function writeHeader(member: Member): Buffer {
  const path =
    member.type === "directory" ? `./${member.path}/`.replace(/\/+$/, "/") : `./${member.path}`;
  // A hard link names another member.
  const link = member.type === "hardlink" ? `./${member.link}` : (member.link ?? "");
  return Buffer.concat([
    ...longName("L", path),
    ...longName("K", link),
    block(FLAGS[member.type], path, link, member),
  ]);
}

/** The zeros after a body of so many bytes. */
export function paddingAfter(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

function longName(flag: string, name: ByteString): Buffer[] {
  if (name.length <= 100) return [];
  const body = Buffer.from(`${name}\0`, "latin1");
  const about = { mode: 0, mtime: 0, size: body.length };
  return [block(flag, "././@LongLink", "", about), body, paddingAfter(body.length)];
}

function block(
  flag: string,
  path: ByteString,
  link: ByteString,
  { mode, mtime, size = 0 }: Pick<Member, "mode" | "mtime" | "size">,
): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  bytes.write(path.slice(0, 100), 0, "latin1");
  writeNumber(bytes, 100, 8, mode);
  writeNumber(bytes, 108, 8, 0);
  writeNumber(bytes, 116, 8, 0);
  writeNumber(bytes, 124, 12, size);
  writeNumber(bytes, 136, 12, mtime);
  bytes.fill(" ", 148, 156);
  bytes.write(flag, 156, "latin1");
  bytes.write(link.slice(0, 100), 157, "latin1");
  bytes.write("ustar  \0", 257, "latin1");
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}

function writeNumber(bytes: Buffer, at: number, length: number, value: number): void {
  if (value <= LARGEST_OCTAL) {
    bytes.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
    return;
  }
  bytes.writeBigUInt64BE(BigInt(value), at + length - 8);
  bytes[at] = 0x80;
}

import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import type { EntryKind } from "./layout.ts";

const BLOCK = 512;
/** Of a file, read at once. */
const PIECE = 1 << 20;
const TURN_MILLISECONDS = 100;
const PERMISSION_BITS = 0o7777;

/** What an image weighs and is recognised by. */
export interface Sum {
  /** `sha256:…` */
  readonly checksum: string;
  /** Bytes on disk. */
  readonly size: number;
}

/**
 * Checksum of an image. Of a SquashFS file it is the sha256 of all its bytes, about 0.1 s for 100 MB. Of a directory
 * it is the sha256 of a list with each path, type, permission bits, size of a file and target of a link: that finds
 * what is missing, added, cut off or replaced, but not a file whose bytes changed at the same length. Reading all
 * files of a large image would take as long as unpacking it; the list takes about 20 µs for each file.
 */
export async function sumOf(image: string, kind: EntryKind): Promise<Sum> {
  if (kind === "sqfs") {
    return { checksum: await fileChecksum(image), size: lstatSync(image).size };
  }
  const hash = new Bun.CryptoHasher("sha256");
  const size = await sumTree(image, "", hash, takeTurns());
  return { checksum: `sha256:${hash.digest("hex")}`, size };
}

/** `sha256:…` of a file's bytes, read in pieces. */
export async function fileChecksum(file: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const handle = await open(file);
  try {
    // One buffer: those of a stream take 40 MB until they are collected.
    const buffer = Buffer.allocUnsafeSlow(PIECE);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, PIECE, null);
      if (bytesRead === 0) return `sha256:${hash.digest("hex")}`;
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Lets timers such as a heartbeat have their turn now and then. */
function takeTurns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < TURN_MILLISECONDS) return;
    await Bun.sleep(0);
    last = performance.now();
  };
}

async function sumTree(
  top: string,
  path: string,
  hash: Bun.CryptoHasher,
  turns: () => Promise<void>,
): Promise<number> {
  let size = 0;
  await turns();
  for (const name of readdirSync(`${top}${path}`).sort()) {
    const below = `${path}/${name}`;
    const stats = lstatSync(`${top}${below}`);
    hash.update(`${JSON.stringify(line(`${top}${below}`, below, stats))}\n`);
    size += stats.blocks * BLOCK;
    if (stats.isDirectory()) size += await sumTree(top, below, hash, turns);
  }
  return size;
}

function line(path: string, name: string, stats: Stats): readonly (string | number)[] {
  const mode = stats.mode & PERMISSION_BITS;
  if (stats.isSymbolicLink()) return [name, "link", readlinkSync(path)];
  if (stats.isDirectory()) return [name, "directory", mode];
  return stats.isFile() ? [name, "file", mode, stats.size] : [name, "special", mode];
}

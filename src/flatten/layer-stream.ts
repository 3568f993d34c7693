import { closeSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { errorCode, errorMessage } from "../host/files.ts";
import { type Flattened, UnreadableLayer } from "./layer-index.ts";

/** Large enough that the calls cost nothing: 64 KiB takes a quarter longer, 1 MiB gains nothing. */
const CHUNK = 256 * 1024;
/** Of the compressed file. */
const PIECE = 64 * 1024;

/**
 * The uncompressed bytes of a layer, gzip, zstd or plain as its first bytes say; what a manifest calls it may be wrong.
 * Several gzip members or zstd frames in a row are one layer. Chunks hold at most 256 KiB, and are valid until the next one
 * is asked for: their memory is given back or used again at once, not at some garbage collection.
 *
 * @throws UnreadableLayer for a cut or damaged stream; the file system's error; the signal's reason
 */
export async function* readLayer(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const unpack = decompressor(file);
  if (unpack === undefined) return yield* readPieces(file, CHUNK, signal);
  const cancel = () => unpack.destroy(new Error("cancelled"));
  signal.addEventListener("abort", cancel, { once: true });
  // Errors may still come after the last chunk was asked for, when nobody else listens.
  unpack.on("error", () => {});
  let problem: unknown;
  const fed = feed(file, unpack, signal).catch((error: unknown) => {
    problem = error;
    unpack.destroy();
  });
  try {
    signal.throwIfAborted();
    for await (const chunk of unpack) {
      yield chunk;
      giveBack(chunk);
    }
    if (problem !== undefined) throw problem;
  } catch (error) {
    signal.throwIfAborted();
    if (problem !== undefined) throw problem;
    throw new UnreadableLayer("corrupt", `cannot be decompressed (${errorMessage(error)})`);
  } finally {
    signal.removeEventListener("abort", cancel);
    unpack.destroy();
    await fed;
  }
}

type Decompressor = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

async function feed(file: string, unpack: Decompressor, signal: AbortSignal): Promise<void> {
  const closed = new Promise<void>((resolve) => unpack.once("close", resolve));
  for await (const piece of readPieces(file, PIECE, signal)) {
    const taken = new Promise<void>((resolve) => unpack.write(piece, () => resolve()));
    await Promise.race([taken, closed]);
    if (unpack.destroyed) return;
  }
  unpack.end();
}

/** A file's bytes, each piece in the memory of the one before. */
async function* readPieces(
  file: string,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const handle = await open(file);
  const buffer = Buffer.allocUnsafeSlow(size);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, size, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Frees a chunk's memory if the decompressor will put nothing behind it. */
function giveBack({ buffer, byteOffset, length }: Buffer): void {
  const isLast = byteOffset + length === buffer.byteLength;
  if (isLast && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

function decompressor(file: string): Decompressor | undefined {
  const magic = firstBytes(file);
  if (magic.startsWith("1f8b")) return createGunzip({ chunkSize: CHUNK });
  // A frame, or the skippable frame with which some tools begin.
  if (magic === "28b52ffd" || /^5.2a4d18$/.test(magic)) {
    return createZstdDecompress({ chunkSize: CHUNK });
  }
  return undefined;
}

function firstBytes(file: string): string {
  const fd = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(4);
    return bytes.toString("hex", 0, readSync(fd, bytes, 0, 4, 0));
  } finally {
    closeSync(fd);
  }
}

/** What was thrown while layers were read, as an answer; `what` names the layer. */
export function explainThrown(
  error: unknown,
  what: string,
  signal: AbortSignal,
): Flattened<never> & { readonly ok: false } {
  if (signal.aborted) return { ok: false, failure: "cancelled", said: `${what}: was cancelled` };
  if (error instanceof UnreadableLayer) {
    return { ok: false, failure: error.failure, said: `${what}: ${error.message}` };
  }
  const noSpace = ["ENOSPC", "EDQUOT"].includes(errorCode(error));
  return {
    ok: false,
    failure: noSpace ? "no-space" : "other",
    said: `${what}: ${errorMessage(error)}`,
  };
}

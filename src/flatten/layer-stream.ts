import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { errorCode, errorMessage } from "../host/files.ts";
import { type Flattened, UnreadableLayer } from "./layer-index.ts";

/** Large enough that the calls cost nothing: 64 KiB takes a quarter longer, 1 MiB gains nothing. */
const CHUNK = 256 * 1024;

/**
 * The uncompressed bytes of a layer, gzip, zstd or plain as its first bytes say; what a manifest calls it may be wrong.
 * Several gzip members or zstd frames in a row are one layer. Chunks hold at most 256 KiB.
 *
 * @throws UnreadableLayer for a cut or damaged stream; the file system's error; the signal's reason
 */
export async function* readLayer(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const unpack = decompressor(file);
  const source = createReadStream(file, { highWaterMark: CHUNK });
  const stream = unpack === undefined ? source : source.pipe(unpack);
  // Errors may still come after the last chunk was asked for, when nobody else listens.
  source.on("error", (error) => unpack?.destroy(error));
  unpack?.on("error", () => {});
  const cancel = () => stream.destroy(new Error("cancelled"));
  signal.addEventListener("abort", cancel, { once: true });
  try {
    signal.throwIfAborted();
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    signal.throwIfAborted();
    const isSystem = typeof (error as { syscall?: unknown }).syscall === "string";
    if (unpack === undefined || isSystem) throw error;
    throw new UnreadableLayer("corrupt", `cannot be decompressed (${errorMessage(error)})`);
  } finally {
    signal.removeEventListener("abort", cancel);
    source.destroy();
    unpack?.destroy();
  }
}

function decompressor(file: string) {
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

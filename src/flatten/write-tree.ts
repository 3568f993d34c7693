import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { type ByteString, type Flattened, UnreadableLayer } from "./layer-index.ts";
import { explainThrown, readLayer } from "./layer-stream.ts";
import type { PlannedFile, TreePlan } from "./plan-tree.ts";
import { type OpenSink, openSink, type Sink } from "./sink.ts";
import { END_OF_TAR, type Member, paddingAfter, writeHeader } from "./tar-writer.ts";

/** Small members go out together, so that the pipe is filled at each call. */
const BATCH = 256 * 1024;
const ZEROS = Buffer.alloc(BATCH);

/**
 * Reads the layers once more and writes the planned tree as one tar into the sink; nothing is unpacked on the way. The
 * layers' content is hashed again, so that an index that belongs to another layer, or a file that was changed since,
 * cannot make a wrong image.
 *
 * Of each layer only the parts that are in the image are copied, by the offsets of the plan; a layer of which nothing is
 * left is not read. At most a few chunks of 256 KiB are held, however large the files are.
 *
 * @param layerFiles lowest first, as in the plan
 * @returns a failure with nothing left at the sink's target
 */
export async function writeTree(
  plan: TreePlan,
  layerFiles: readonly string[],
  sink: Sink,
  signal: AbortSignal,
): Promise<Flattened<void>> {
  const program = openSink(sink);
  const out = batch(program);
  let what = "the image";
  let result: Flattened<void>;
  try {
    for (const member of plan.directories)
      await out.add(writeHeader({ ...member, type: "directory" }));
    for (const { path, target, mtime } of plan.symlinks) {
      await out.add(writeHeader({ type: "symlink", path, link: target, mode: 0o777, mtime }));
    }
    for (const [layer, files] of plan.files.entries()) {
      const diffId = plan.diffIds[layer] ?? "";
      what = `layer ${diffId}`;
      if (files.length > 0) await copyLayer(layerFiles[layer] ?? "", diffId, files, out, signal);
    }
    what = "the image";
    for (const text of plan.texts) {
      const bytes = Buffer.from(text.text, "utf8");
      await addFile(out, { ...text, size: bytes.length }, () => out.add(bytes));
    }
    await out.add(END_OF_TAR);
    await out.flush();
    signal.throwIfAborted();
    result = await program.finish();
  } catch (error) {
    const stopped = error === SINK_ENDED && !signal.aborted;
    if (!stopped) await program.abort();
    result = stopped ? endedEarly(await program.finish()) : explainThrown(error, what, signal);
  }
  if (!result.ok) rmSync(sink.target, { recursive: true, force: true });
  return result;
}

/** Thrown when the sink takes nothing any more; its own ending says why. */
const SINK_ENDED = new Error("the program that packs the image has ended");

function endedEarly(result: Flattened<void>): Flattened<void> {
  return result.ok ? { ok: false, failure: "other", said: SINK_ENDED.message } : result;
}

interface Batch {
  readonly add: (bytes: Buffer) => Promise<void>;
  readonly flush: () => Promise<void>;
}

function batch(program: OpenSink): Batch {
  let open: Buffer[] = [];
  let size = 0;
  const flush = async () => {
    if (size === 0) return;
    const bytes = open.length === 1 && open[0] ? open[0] : Buffer.concat(open);
    open = [];
    size = 0;
    if (!(await program.write(bytes))) throw SINK_ENDED;
  };
  const add = async (bytes: Buffer) => {
    open.push(bytes);
    size += bytes.length;
    if (size >= BATCH) await flush();
  };
  return { add, flush };
}

type Contents = Omit<Member, "type"> & { readonly links: readonly ByteString[]; size: number };

/** A file, its content and its further names. */
async function addFile(out: Batch, file: Contents, addContent: () => Promise<void>): Promise<void> {
  const { path, mode, mtime, size, links } = file;
  await out.add(writeHeader({ type: "file", path, mode, mtime, size }));
  await addContent();
  await out.add(paddingAfter(size));
  for (const name of links) {
    await out.add(writeHeader({ type: "hardlink", path: name, link: path, mode, mtime }));
  }
}

async function copyLayer(
  file: string,
  diffId: string,
  files: readonly PlannedFile[],
  out: Batch,
  signal: AbortSignal,
): Promise<void> {
  const cursor = startCursor(readLayer(file, signal));
  try {
    for (const one of files) {
      await addFile(out, one, async () => {
        await cursor.seek(one.offset);
        let at = 0;
        for (const [start, length] of one.stored ?? [[0, one.size]]) {
          await addZeros(out, start - at);
          await cursor.copy(length, out);
          at = start + length;
        }
        await addZeros(out, one.size - at);
      });
    }
    const found = await cursor.digest();
    if (found !== diffId) throw new UnreadableLayer("corrupt", `its content is ${found}`);
  } finally {
    await cursor.close();
  }
}

async function addZeros(out: Batch, size: number): Promise<void> {
  for (let left = size; left > 0; left -= BATCH) {
    await out.add(ZEROS.subarray(0, Math.min(left, BATCH)));
  }
}

/** Moves forward through a stream. */
function startCursor(stream: AsyncGenerator<Buffer>) {
  const hash = createHash("sha256");
  let chunk: Buffer = Buffer.alloc(0);
  /** Offset of the chunk in the stream, and of the next byte in the chunk. */
  let start = 0;
  let at = 0;
  const advance = async () => {
    const next = await stream.next();
    if (next.done) return false;
    start += chunk.length;
    chunk = next.value;
    at = 0;
    hash.update(chunk);
    return true;
  };
  const mustAdvance = async () => {
    if (!(await advance())) throw new UnreadableLayer("corrupt", "is shorter than before");
  };
  const seek = async (offset: number) => {
    while (start + chunk.length < offset) await mustAdvance();
    at = offset - start;
  };
  const copy = async (length: number, out: Batch) => {
    for (let left = length; left > 0; ) {
      if (at === chunk.length) await mustAdvance();
      const piece = chunk.subarray(at, at + left);
      await out.add(piece);
      at += piece.length;
      left -= piece.length;
    }
  };
  const digest = async () => {
    while (await advance());
    return `sha256:${hash.digest("hex")}`;
  };
  const close = async () => {
    await stream.return(undefined);
  };
  return { seek, copy, digest, close };
}

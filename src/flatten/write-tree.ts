import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { type ByteString, type Flattened, UnreadableLayer } from "./layer-index.ts";
import { explainThrown, readLayer } from "./layer-stream.ts";
import type { TreePlan } from "./plan-tree.ts";
import type { PlannedLayer } from "./planned-files.ts";
import { type OpenSink, openSink, type Sink } from "./sink.ts";
import {
  END_OF_TAR,
  LARGEST_HEADER,
  type Member,
  paddingAfter,
  writeHeader,
} from "./tar-writer.ts";

/** Bytes of the tar that go out together; whole blocks. */
const BATCH = 256 * 1024;

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
  const out = startOutput(program);
  let what = "the image";
  let result: Flattened<void>;
  try {
    for (const one of plan.directories) await out.header({ ...one, type: "directory" });
    for (const { path, target, mtime } of plan.symlinks) {
      await out.header({ type: "symlink", path, link: target, mode: 0o777, mtime });
    }
    for (const [at, layer] of plan.layers.entries()) {
      what = `layer ${layer.diffId}`;
      if (layer.names > 0) await copyLayer(layerFiles[at] ?? "", layer, out, signal);
    }
    what = "the image";
    for (const text of plan.texts) {
      const bytes = Buffer.from(text.text, "utf8");
      const file = { ...text, size: bytes.length, links: [] };
      await addFile(out, file, () => out.add(bytes, 0, bytes.length));
    }
    await out.zeros(END_OF_TAR);
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

/** What is waited for; most members are small and need no wait. */
type Wait = Promise<void> | undefined;

/** A tar on its way to the sink: one buffer, filled and written over and over. */
interface Output {
  readonly header: (member: Member) => Wait;
  /** Copies `from[start]` to `from[end - 1]`. */
  readonly add: (from: Buffer, start: number, end: number) => Wait;
  readonly zeros: (size: number) => Wait;
  readonly flush: () => Promise<void>;
}

function startOutput(program: OpenSink): Output {
  const buffer = Buffer.alloc(BATCH);
  let used = 0;
  const flush = async () => {
    const whole = buffer.subarray(0, used);
    used = 0;
    if (whole.length > 0 && !(await program.write(whole))) throw SINK_ENDED;
  };
  const header = (member: Member) => {
    const put = () => {
      used = writeHeader(member, buffer, used);
    };
    if (BATCH - used < LARGEST_HEADER) return flush().then(put);
    put();
    return undefined;
  };
  /** Calls `put(at, from, to)`, which fills the buffer from `at` with the part from `from` to `to`. */
  const fill = (size: number, put: (at: number, from: number, to: number) => void): Wait => {
    const step = (from: number) => {
      const to = Math.min(size, from + BATCH - used);
      put(used, from, to);
      used += to - from;
      return to;
    };
    const rest = async (done: number) => {
      for (let from = done; from < size; from = step(from)) await flush();
    };
    const done = step(0);
    return done < size ? rest(done) : undefined;
  };
  const add = (from: Buffer, start: number, end: number) =>
    fill(end - start, (at, first, last) => from.copy(buffer, at, start + first, start + last));
  const zeros = (size: number) =>
    fill(size, (at, first, last) => buffer.fill(0, at, at + last - first));
  return { header, add, zeros, flush };
}

type Contents = Omit<Member, "type"> & { readonly links: readonly ByteString[]; size: number };

/** A file, its content and its further names. */
async function addFile(out: Output, file: Contents, addContent: () => Wait): Promise<void> {
  const { path, mode, mtime, size, links } = file;
  await out.header({ type: "file", path, mode, mtime, size });
  await addContent();
  await out.zeros(paddingAfter(size));
  for (const name of links) {
    await out.header({ type: "hardlink", path: name, link: path, mode, mtime });
  }
}

async function copyLayer(
  file: string,
  { diffId, files }: PlannedLayer,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const cursor = startCursor(readLayer(file, signal));
  try {
    for (const one of files()) {
      await addFile(out, one, async () => {
        await cursor.seek(one.offset);
        let at = 0;
        // Holes become zeros: mksquashfs finds them again, tar writes them out.
        for (const [start, length] of one.stored ?? [[0, one.size]]) {
          await out.zeros(start - at);
          await cursor.copy(length, out);
          at = start + length;
        }
        await out.zeros(one.size - at);
      });
    }
    const found = await cursor.digest();
    if (found !== diffId) throw new UnreadableLayer("corrupt", `its content is ${found}`);
  } finally {
    await cursor.close();
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
    // A chunk whose memory was given back has no length.
    const end = start + chunk.length;
    const next = await stream.next();
    if (next.done) return false;
    start = end;
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
  const copy = async (length: number, out: Output) => {
    for (let left = length; left > 0; ) {
      if (at === chunk.length) await mustAdvance();
      const size = Math.min(left, chunk.length - at);
      await out.add(chunk, at, at + size);
      at += size;
      left -= size;
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

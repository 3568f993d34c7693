import { createHash } from "node:crypto";
import { type Flattened, type LayerIndex, UnreadableLayer } from "./layer-index.ts";
import { startRows } from "./layer-rows.ts";
import { explainThrown, readLayer } from "./layer-stream.ts";
import { type ScanState, scanTar, type Want } from "./scan-tar.ts";

/**
 * Reads a layer once: what it holds, and that it is the layer that the image's config names.
 *
 * @param expected.diffId `sha256:…` of the uncompressed layer, from `rootfs.diff_ids`. Without it, a zstd layer
 *   that is cut in its first block passes for an empty one: Bun's decompressor reports no cut.
 */
export async function indexLayer(
  file: string,
  expected: { readonly diffId?: string },
  signal: AbortSignal,
): Promise<Flattened<LayerIndex>> {
  const hash = createHash("sha256");
  const scanner = startScanner();
  const what = `layer ${expected.diffId ?? file}`;
  let size = 0;
  let problem: unknown;
  try {
    for await (const chunk of readLayer(file, signal)) {
      hash.update(chunk);
      size += chunk.length;
      // A layer that is not the expected one should be called that, whatever else is wrong with it.
      problem ??= caught(() => scanner.write(chunk));
    }
    const diffId = `sha256:${hash.digest("hex")}`;
    if (expected.diffId !== undefined && diffId !== expected.diffId) {
      throw new UnreadableLayer("corrupt", `its content is ${diffId}`);
    }
    problem ??= caught(() => scanner.end());
    if (problem !== undefined) throw problem;
    return { ok: true, value: { diffId, size, rows: scanner.rows() } };
  } catch (error) {
    return explainThrown(error, what, signal);
  }
}

function caught(action: () => void): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Feeds a scan from chunks of any size. */
export function startScanner(): {
  readonly write: (chunk: Buffer) => void;
  readonly end: () => void;
  /** What was found so far, see `layer-rows.ts`. */
  readonly rows: () => Buffer;
} {
  const found = startRows();
  const state: ScanState = { found: found.add, position: 0, boundary: true };
  const scan = scanTar(state);
  let want: Want | undefined = next(undefined);
  let open: Buffer[] = [];
  let held = 0;
  let start = 0;

  function next(block: Buffer | undefined): Want | undefined {
    const step = block === undefined ? scan.next() : scan.next(block);
    return step.done ? undefined : step.value;
  }
  function take(chunk: Buffer, at: number, wanted: number): number {
    const piece = chunk.subarray(at, at + wanted - held);
    held += piece.length;
    const end = at + piece.length;
    if (held < wanted) {
      // The chunk's memory may be used again.
      open.push(Buffer.from(piece));
      return end;
    }
    const block = open.length === 0 ? piece : Buffer.concat([...open, piece]);
    open = [];
    held = 0;
    state.position = start + end;
    want = next(block);
    return end;
  }
  function write(chunk: Buffer): void {
    let at = 0;
    while (want !== undefined) {
      if ("skip" in want) {
        const step = Math.min(want.skip, chunk.length - at);
        at += step;
        if (step < want.skip) {
          want = { skip: want.skip - step };
          break;
        }
        state.position = start + at;
        want = next(undefined);
      } else if (at === chunk.length) break;
      else at = take(chunk, at, want.read);
    }
    start += chunk.length;
  }
  function end(): void {
    const whole = want === undefined || (state.boundary && held === 0);
    if (!whole) throw new UnreadableLayer("corrupt", `ends in the middle, after ${start} bytes`);
  }
  return { write, end, rows: found.done };
}

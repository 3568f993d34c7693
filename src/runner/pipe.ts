import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync } from "node:fs";

// The runner connects its hooks through pipes. Bun's own "pipe" is a socket pair, which a script
// cannot open again as /dev/stdout or /dev/stderr, so that tests would fail where the real runner
// works.
const libc = dlopen("libc.so.6", {
  pipe2: { args: [FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
});
const closeOnExec = 0o2000000;

/** Two file descriptors of one pipe. The child gets the write end, never the read end. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/**
 * Opens a pipe whose ends are not inherited by other children.
 *
 * @throws Error when the process has no descriptor left.
 */
export function openPipe(): Pipe {
  const ends = new Int32Array(2);
  if (libc.symbols.pipe2(ptr(ends), closeOnExec) !== 0) {
    throw new Error("pipe2 failed");
  }
  return { read: ends[0] ?? -1, write: ends[1] ?? -1 };
}

/** The reading side of one pipe: everything that came out of it, and when it ended. */
export interface PipeReader {
  /** Resolves at the end of the stream, that is when no process holds the write end any more. */
  readonly ended: Promise<void>;
  /** What has arrived so far. */
  text(): string;
  /** Closes the read end: whoever still writes gets SIGPIPE, as after the death of the runner. */
  close(): void;
}

/**
 * Reads a pipe to its end.
 *
 * @param descriptor - The read end; it belongs to the reader from now on.
 * @param onText - Gets each piece, decoded as UTF-8 across the borders of pieces.
 */
export function readPipe(descriptor: number, onText: (text: string) => void): PipeReader {
  const reader = Bun.file(descriptor).stream().getReader();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const pieces: string[] = [];
  let isClosed = false;

  function add(text: string): void {
    if (text !== "") {
      pieces.push(text);
      onText(text);
    }
  }

  async function readAll(): Promise<void> {
    for (let part = await reader.read(); !part.done && !isClosed; part = await reader.read()) {
      add(decoder.decode(part.value, { stream: true }));
    }
    add(decoder.decode());
    if (!isClosed) {
      isClosed = true;
      closeSync(descriptor);
    }
  }

  return {
    ended: readAll(),
    text: () => pieces.join(""),
    close() {
      if (!isClosed) {
        isClosed = true;
        void reader.cancel();
        closeSync(descriptor);
      }
    },
  };
}

import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { errorCode, errorMessage } from "./files.ts";

export interface FollowOptions {
  /** Gets all bytes in order. They are valid until it returns, or until what it returns resolves. */
  readonly write: (bytes: Uint8Array) => void | Promise<void>;
  /** Open the file anew for each look: what NFS needs to show another host's writes. @default {false} */
  readonly reopen?: boolean;
  /** Milliseconds between looks while something comes; up to five times as many when nothing does. @default {100} */
  readonly poll?: number;
  /** The file begins anew: it was truncated, replaced or written over. */
  readonly onRestart?: () => void;
  /** Stops at once, without reading on. */
  readonly signal?: AbortSignal;
}

export interface Follower {
  /**
   * Reads up to the size that the file has now and stops. Rejects only with what `write` or `onRestart` threw. May be
   * called again.
   */
  readonly done: () => Promise<void>;
  /** How many bytes `write` got. */
  readonly bytes: number;
  /** Why the latest look could not read the file; undefined when it could, and when there is no file. */
  readonly problem: string | undefined;
}

const BUFFER_BYTES = 1024 * 1024;
/** So much of what was delivered is compared at each look, to notice a file that was truncated and has grown again. */
const TAIL_BYTES = 64;
const SLOWEST = 5;
const GROWTH = 1.5;
/** Without O_NONBLOCK, opening a FIFO would wait for its writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

interface State {
  readonly path: string;
  readonly options: FollowOptions;
  readonly buffer: Buffer;
  handle: FileHandle | undefined;
  identity: string;
  offset: number;
  /** The last bytes before `offset`. */
  tail: Uint8Array;
  bytes: number;
  problem: string | undefined;
  stopping: boolean;
  wake: () => void;
}

/** A failure of the caller's own functions, in contrast to one of the file. */
interface CallerFailure {
  readonly thrown: unknown;
}

/**
 * Follows a growing file that may not exist yet, into `write`. A truncated file is followed from its start again, and so
 * is another one at the same path, after the rest of the old one. Trouble with the file never ends it.
 */
export function followFile(path: string, options: FollowOptions): Follower {
  const state: State = {
    path,
    options,
    buffer: Buffer.allocUnsafe(BUFFER_BYTES),
    handle: undefined,
    identity: "",
    offset: 0,
    tail: new Uint8Array(),
    bytes: 0,
    problem: undefined,
    stopping: false,
    wake: () => {},
  };
  const wake = () => state.wake();
  options.signal?.addEventListener("abort", wake);
  const following = lookUntilDone(state).finally(() =>
    options.signal?.removeEventListener("abort", wake),
  );
  // Whoever calls `done` hears of it.
  following.catch(() => {});
  return {
    done: () => {
      state.stopping = true;
      state.wake();
      return following;
    },
    get bytes() {
      return state.bytes;
    },
    get problem() {
      return state.problem;
    },
  };
}

async function lookUntilDone(state: State): Promise<void> {
  const { poll = 100, signal } = state.options;
  let pause = poll;
  try {
    while (!signal?.aborted) {
      const isLast = state.stopping;
      const before = state.bytes;
      await look(state, isLast);
      if (isLast) return;
      pause = state.bytes > before ? poll : Math.min(pause * GROWTH, poll * SLOWEST);
      await sleep(state, pause);
    }
  } finally {
    await close(state.handle);
  }
}

function sleep(state: State, milliseconds: number): Promise<void> {
  if (state.stopping || state.options.signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    state.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Delivers what there is. */
async function look(state: State, isLast: boolean): Promise<void> {
  let failure: CallerFailure | undefined;
  try {
    // Also when it was replaced: its last lines come before the first of the new one.
    if (state.handle !== undefined) failure = await drain(state, state.handle, isLast);
    if (failure === undefined && (await mustOpen(state, isLast))) {
      failure = await openAnew(state);
      if (failure === undefined && state.handle !== undefined)
        failure = await drain(state, state.handle, isLast);
    }
    state.problem = undefined;
  } catch (error) {
    state.problem = errorCode(error) === "ENOENT" ? undefined : errorMessage(error);
  }
  if (failure !== undefined) throw failure.thrown;
}

async function mustOpen(state: State, isLast: boolean): Promise<boolean> {
  if (state.handle === undefined || isLast || state.options.reopen) return true;
  return identityOf(await stat(state.path, { bigint: true })) !== state.identity;
}

async function openAnew(state: State): Promise<CallerFailure | undefined> {
  const handle = await open(state.path, FLAGS);
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new Error(`${state.path} is not a regular file`);
    const identity = identityOf(stats);
    const isOther = state.handle !== undefined && identity !== state.identity;
    await close(state.handle);
    state.handle = handle;
    state.identity = identity;
    return isOther ? restart(state) : undefined;
  } catch (error) {
    await close(handle);
    throw error;
  }
}

async function drain(
  state: State,
  handle: FileHandle,
  isLast: boolean,
): Promise<CallerFailure | undefined> {
  const { buffer, options } = state;
  // Something that goes on writing must not keep `done` from coming to an end.
  const limit = isLast ? (await handle.stat()).size : Number.POSITIVE_INFINITY;
  for (;;) {
    if (options.signal?.aborted || (state.stopping && !isLast)) return undefined;
    const known = state.tail.length;
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, state.offset - known);
    if (bytesRead < known || !buffer.subarray(0, known).equals(state.tail)) {
      const failure = restart(state);
      if (failure !== undefined) return failure;
      continue;
    }
    if (bytesRead === known) return undefined;
    state.offset += bytesRead - known;
    state.bytes += bytesRead - known;
    state.tail = Buffer.from(buffer.subarray(Math.max(0, bytesRead - TAIL_BYTES), bytesRead));
    try {
      await options.write(buffer.subarray(known, bytesRead));
    } catch (thrown) {
      return { thrown };
    }
    if (state.offset >= limit) return undefined;
  }
}

function restart(state: State): CallerFailure | undefined {
  state.offset = 0;
  state.tail = new Uint8Array();
  try {
    state.options.onRestart?.();
    return undefined;
  } catch (thrown) {
    return { thrown };
  }
}

function identityOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`;
}

/** NFS may report there what a write could not do; nothing was written. */
async function close(handle: FileHandle | undefined): Promise<void> {
  try {
    await handle?.close();
  } catch {}
}

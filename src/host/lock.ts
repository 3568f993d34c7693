import { dlopen } from "bun:ffi";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { errorCode } from "./files.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const POLL_MILLISECONDS = 100;

export interface LockOptions {
  /** One line that tells others who holds the lock, e.g. `job 42 (host n1, pid 7)`. */
  readonly holder: string;
  /** Called once when the lock is busy, with the holder's line (or an empty string). */
  readonly onWait: (holder: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Holds an exclusive flock(2) on `path` (created with 0600) while `work` runs; waits for it as long as it takes. The
 * kernel releases it when the process dies.
 *
 * @throws when the file cannot be opened, or the signal's reason when aborted while waiting
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const fd = openSync(path, "a+", 0o600);
  try {
    await acquire(fd, path, options);
    ftruncateSync(fd, 0);
    writeSync(fd, `${options.holder}\n`);
    return await work();
  } finally {
    closeSync(fd);
  }
}

async function acquire(fd: number, path: string, options: LockOptions): Promise<void> {
  const libc = dlopen("libc.so.6", { flock: { args: ["i32", "i32"], returns: "i32" } });
  let told = false;
  while (libc.symbols.flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    if (!told) options.onWait(holderOf(path));
    told = true;
    options.signal.throwIfAborted();
    await Bun.sleep(POLL_MILLISECONDS);
  }
}

function holderOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (errorCode(error) === "") throw error;
    return "";
  }
}

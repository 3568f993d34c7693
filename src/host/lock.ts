import { dlopen, read } from "bun:ffi";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { SystemFailure } from "./failure.ts";
import { errorCode } from "./files.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
/** What flock(2) says on file systems without locks: ENOLCK, ENOSYS, EOPNOTSUPP. */
const NO_LOCKS = [37, 38, 95];
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
 * @throws when the file cannot be opened or locked, or the signal's reason when aborted while waiting
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const fd = openSync(path, "a+", 0o600);
  try {
    await acquire(fd, path, options);
    tellHolder(fd, options.holder);
    return await work();
  } finally {
    closeSync(fd);
  }
}

async function acquire(fd: number, path: string, options: LockOptions): Promise<void> {
  const libc = dlopen("libc.so.6", {
    flock: { args: ["i32", "i32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  });
  let told = false;
  while (libc.symbols.flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    const place = libc.symbols.__errno_location();
    if (place !== null && NO_LOCKS.includes(read.i32(place))) {
      throw new SystemFailure(
        `cannot lock ${path}: its file system has no locks; wanted: another one, or another mount option (Lustre: flock)`,
      );
    }
    if (!told) options.onWait(holderOf(path));
    told = true;
    options.signal.throwIfAborted();
    await Bun.sleep(POLL_MILLISECONDS);
  }
}

/** For people only: a full disk must not stop a cleanup. */
function tellHolder(fd: number, holder: string): void {
  try {
    ftruncateSync(fd, 0);
    writeSync(fd, `${holder}\n`);
  } catch (error) {
    if (errorCode(error) === "") throw error;
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

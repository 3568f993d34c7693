import { watch } from "node:fs";
import { errorCode } from "./files.ts";

/** Something that waits for changes of one directory. */
export interface DirectoryWatch {
  /** False when the kernel gives this user no watch; then nothing is ever seen. */
  readonly works: boolean;
  /**
   * Waits until a name in the directory has changed since the watch began or the last call ended, or the directory has
   * gone, but no longer than `milliseconds` and not after the signal has aborted.
   *
   * @returns whether there was a change
   */
  readonly change: (milliseconds: number) => Promise<boolean>;
  readonly close: () => void;
}

/**
 * Watches a directory by inotify, which tells what programs of this host change. What other hosts change in a shared
 * file system is for the caller to look for.
 */
export function watchDirectory(path: string, signal: AbortSignal): DirectoryWatch {
  let changed = false;
  let wake = () => {};
  const note = () => {
    changed = true;
    wake();
  };
  const watcher = startWatcher(path, note);
  return {
    works: watcher !== undefined,
    change: (milliseconds) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          wake = () => {};
          resolve(changed);
          changed = false;
        };
        const timer = setTimeout(done, milliseconds);
        signal.addEventListener("abort", done, { once: true });
        wake = done;
        if (changed || signal.aborted) done();
      }),
    close: () => watcher?.close(),
  };
}

function startWatcher(path: string, note: () => void): { close(): void } | undefined {
  try {
    return watch(path, note).on("error", note);
  } catch (error) {
    // Gone before it could be watched.
    if (errorCode(error) === "ENOENT") note();
    return undefined;
  }
}

import { chmodSync, lstatSync, mkdirSync, type Stats, statSync } from "node:fs";
import { SystemFailure } from "./failure.ts";
import { errorCode, errorMessage } from "./files.ts";

const PERMISSION_BITS = 0o7777;

/**
 * Makes `path` a directory of `uid` with exactly `mode`. An existing directory of another user is refused, and so is
 * a symbolic link on the way that neither `uid` nor root made.
 *
 * @throws SystemFailure with a line that names `purpose` and `key`
 */
export function ensureOwnDirectory(options: {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  /** For messages, e.g. `build directories`. */
  readonly purpose: string;
  /** The configuration key that decides where it is. */
  readonly key: string;
}): void {
  const { path, mode, uid, purpose, key } = options;
  const fail = (what: string): never => {
    throw new SystemFailure(`cannot use ${path} for ${purpose}: ${what} (${key})`);
  };
  refuseForeignLinks(path, uid, fail);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    fail(
      errorCode(error) === "ENOTDIR" || errorCode(error) === "EEXIST"
        ? "it is not a directory"
        : reason(error),
    );
  }
  refuseForeignLinks(path, uid, fail);
  const stats = statSync(path);
  if (stats.uid !== uid)
    fail(`it belongs to uid ${stats.uid}; wanted: uid ${uid}, who runs the job`);
  if ((stats.mode & PERMISSION_BITS) === mode) return;
  try {
    chmodSync(path, mode);
  } catch (error) {
    fail(reason(error));
  }
}

function refuseForeignLinks(path: string, uid: number, fail: (what: string) => never): void {
  let prefix = "";
  for (const part of path.split("/").filter((p) => p !== "")) {
    prefix += `/${part}`;
    const stats = linkStats(prefix);
    if (stats === undefined) return;
    if (stats.isSymbolicLink() && stats.uid !== uid && stats.uid !== 0) {
      fail(
        `${prefix} is a symbolic link of uid ${stats.uid}; wanted: a link of uid ${uid} or root, or none`,
      );
    }
  }
}

function linkStats(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function reason(error: unknown): string {
  switch (errorCode(error)) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "the file system is read-only";
    case "ENOSPC":
      return "no space left on the device";
    case "EDQUOT":
      return "the disk quota is exceeded";
    default:
      return errorMessage(error);
  }
}

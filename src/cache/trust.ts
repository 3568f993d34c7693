import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
} from "node:fs";
import { ensureOwnDirectory } from "../host/directory.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorCode, errorMessage } from "../host/files.ts";
import type { CacheOptions } from "./store.ts";

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
const PRIVATE = 0o700;
const READABLE = 0o755;
const PURPOSE = "the image cache";

/** Whom the files of a cache belong to. */
export interface Trust {
  readonly owner: number;
  readonly mode: number;
}

/**
 * Makes sure of the cache's directory. A private one belongs to the user who runs the job, with mode 0700. A shared one
 * may belong to anybody whom the admin chose by naming it; then nobody but that owner and root can write to it, nor
 * replace it from above.
 *
 * @throws SystemFailure that names the directory, what was found and wanted, and the key
 */
export function checkDirectory(options: CacheOptions): Trust {
  const { dir, uid, shared, key } = options;
  if (!shared) {
    ensureOwnDirectory({ path: dir, mode: PRIVATE, uid, purpose: PURPOSE, key });
    return { owner: uid, mode: PRIVATE };
  }
  try {
    mkdirSync(dir, { recursive: true, mode: READABLE });
  } catch (error) {
    // Of a directory on a read-only file system, Linux may say either.
    if (!["EEXIST", "EROFS"].includes(errorCode(error)) || !isDirectory(dir))
      throw new SystemFailure(`cannot use ${dir} for ${PURPOSE}: ${errorMessage(error)} (${key})`);
  }
  const real = realpathSync(dir);
  const owner = statSync(real).uid;
  for (const path of [real, ...ancestors(real)]) {
    const problem = unsafe(path, owner, path !== real);
    if (problem !== undefined)
      throw new SystemFailure(
        `cannot use ${dir} for ${PURPOSE} that is shared: ${problem} (${key})`,
      );
  }
  return { owner, mode: READABLE };
}

function ancestors(path: string): string[] {
  const above = path.slice(0, path.lastIndexOf("/"));
  return above === "" ? ["/"] : [above, ...ancestors(above)];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Who else could change what lies at `path`, in words. In a sticky directory nobody can rename what is another's. */
function unsafe(path: string, owner: number, stickyIsSafe: boolean): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.uid !== owner && stats.uid !== 0)
    return `${path} belongs to uid ${stats.uid}; wanted: uid ${owner}, the cache's owner, or root`;
  const mode = stats.mode & 0o7777;
  if (stats.isSymbolicLink() || (mode & OTHERS_WRITE) === 0) return undefined;
  if (stickyIsSafe && (mode & STICKY) !== 0) return undefined;
  const octal = mode.toString(8).padStart(4, "0");
  return `${path} has mode ${octal}, so others can write to it; wanted: nobody but its owner`;
}

/** What keeps files of a shared cache from being trusted, in words. A private cache is behind its own directory. */
export function untrusted(
  { shared, owner }: { readonly shared: boolean; readonly owner: number },
  paths: readonly string[],
): string | undefined {
  if (!shared) return undefined;
  for (const path of paths) {
    const problem = unsafe(path, owner, false);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * Lets everybody read what a shared cache gets, and nobody else write to it. In a directory image that takes the write
 * permission of group and others away from all files: `/tmp` of an image would be open to every user of the host.
 */
export function closeToOthers(directory: string, mode: number): void {
  chmodSync(directory, mode);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = `${directory}/${entry.name}`;
    if (entry.isSymbolicLink()) continue;
    const now = lstatSync(path).mode & 0o7777;
    const closed = now & ~OTHERS_WRITE;
    if (entry.isDirectory()) closeToOthers(path, closed);
    else if (closed !== now) chmodSync(path, closed);
  }
}

/** Whether this user could change the directory, as far as owner, mode and file system go. */
export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (["EACCES", "EROFS", "EPERM", "ENOENT"].includes(errorCode(error))) return false;
    throw error;
  }
}

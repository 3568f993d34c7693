import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { errorCode, errorMessage } from "../host/files.ts";
import { runCommand } from "../host/process.ts";
import { removeTree } from "../host/remove-tree.ts";
import { tryLocks, trySetAttribute } from "./libc.ts";
import { type Mount, mountOf } from "./mounts.ts";

/** What a directory for jobs is like, found out by using it. */
export interface PlaceFacts {
  readonly path: string;
  /** The directory itself, or the lowest one above it that is there. */
  readonly existing: string;
  /** uid of the directory itself; undefined where it is not there yet. */
  readonly owner: number | undefined;
  readonly mount: Mount | undefined;
  /** Bytes. */
  readonly free: number;
  readonly capacity: number;
  /** Files that can still be made; undefined where the file system does not count them. */
  readonly freeFiles: number | undefined;
  readonly trial: Trial;
}

/** What came of working in it. */
export type Trial =
  | { readonly written: false; readonly why: string }
  | {
      readonly written: true;
      /** Whether a program in it can be started. */
      readonly starts: boolean;
      readonly attributes: boolean;
      readonly hardLinks: boolean;
      /** Whether a directory with files in it is safe from a rename onto it. */
      readonly renames: boolean;
      readonly locks: "excludes" | "permits" | "none";
    };

/** Enough to meet a quota that is used up. */
const TRIAL_BYTES = 256 * 1024;
const START_MILLISECONDS = 5000;

/** Looks at a directory, and works in a directory of its own in it that it removes again. */
export async function placeFacts(path: string): Promise<PlaceFacts> {
  const existing = lowestExisting(path);
  const { blocks, bavail, bsize, files, ffree } = statfsSync(existing);
  return {
    path,
    existing,
    owner: existing === path ? statSync(path).uid : undefined,
    mount: mountOf(readFileSync("/proc/self/mountinfo", "utf8"), realpathSync(existing)),
    free: bavail * bsize,
    capacity: blocks * bsize,
    freeFiles: files > 0 ? ffree : undefined,
    trial: await tryOut(existing),
  };
}

function lowestExisting(path: string): string {
  if (path === "/" || statSync(path, { throwIfNoEntry: false })) return path;
  return lowestExisting(path.slice(0, path.lastIndexOf("/")) || "/");
}

/** Why nothing may be tried in a directory: its owner could lead root's files elsewhere. */
export function mustNotTry(directory: string): string | undefined {
  const owner = statSync(directory).uid;
  const isForeign = process.getuid?.() === 0 && owner !== 0;
  return isForeign ? `not tried as root, since ${directory} belongs to uid ${owner}` : undefined;
}

async function tryOut(directory: string): Promise<Trial> {
  const why = mustNotTry(directory);
  if (why !== undefined) return { written: false, why };
  let place: string;
  try {
    place = mkdtempSync(`${directory}/.jacamar-doctor-`);
  } catch (error) {
    return { written: false, why: reasonOf(error) };
  }
  try {
    writeFileSync(`${place}/file`, Buffer.alloc(TRIAL_BYTES, 1));
    return {
      written: true,
      starts: await tryStart(`${place}/program`),
      attributes: trySetAttribute(`${place}/file`),
      hardLinks: tryLink(`${place}/file`, `${place}/link`),
      renames: tryRename(place),
      locks: tryLocks(`${place}/file`),
    };
  } catch (error) {
    return { written: false, why: reasonOf(error) };
  } finally {
    removeTree(place);
  }
}

/** Without the name of a file that nobody knows. */
function reasonOf(error: unknown): string {
  return errorMessage(error).split(",")[0] ?? "";
}

async function tryStart(file: string): Promise<boolean> {
  writeFileSync(file, "#!/bin/sh\nexit 7\n", { mode: 0o700 });
  const run = await runCommand([file], { env: {}, cwd: "/", timeout: START_MILLISECONDS });
  return run.status === 7;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return statSync(to).ino === statSync(from).ino;
  } catch {
    return false;
  }
}

/** Claims rely on it: a directory that holds a file is taken by a rename to a place that must not be taken yet. */
function tryRename(place: string): boolean {
  const [mine, theirs, free] = [`${place}/mine`, `${place}/theirs`, `${place}/free`];
  for (const directory of [mine, theirs]) {
    mkdirSync(directory);
    writeFileSync(`${directory}/claim`, "");
  }
  try {
    renameSync(mine, theirs);
    return false;
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(errorCode(error))) return false;
  }
  renameSync(mine, free);
  return true;
}

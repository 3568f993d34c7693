import { accessSync, constants } from "node:fs";
import { findProgram } from "../host/find-program.ts";

/** What this host can make of an image, and start. */
export interface PackingTools {
  /** Path, of squashfs-tools. */
  readonly mksquashfs: string | undefined;
  /** Whether this user can open /dev/fuse, which ch-run needs for an image that is one file. */
  readonly fuse: boolean;
}

/** A login shell's PATH often lacks the directories for administrators, where distributions put these programs. */
const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

export function findPackingTools(path: string | undefined): PackingTools {
  return { mksquashfs: findMksquashfs(path), fuse: canOpenFuse() };
}

export function findMksquashfs(path: string | undefined): string | undefined {
  return findProgram("mksquashfs", `${path ?? ""}:${SYSTEM_PATH}`);
}

function canOpenFuse(): boolean {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

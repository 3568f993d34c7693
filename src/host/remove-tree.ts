import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { errorCode } from "./files.ts";

/**
 * Removes a directory with all that is in it; one that does not exist is fine. Jobs leave directories without write
 * permission behind (Go's module cache is one), which an ordinary user has to open first.
 */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (!["EACCES", "EPERM"].includes(errorCode(error))) throw error;
    open(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function open(path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) open(`${path}/${entry.name}`);
  }
}

import { dlopen } from "bun:ffi";
import { closeSync, openSync } from "node:fs";

const LOCK_EX = 2;
const LOCK_NB = 4;

const open = () =>
  dlopen("libc.so.6", {
    flock: { args: ["i32", "i32"], returns: "i32" },
    setxattr: { args: ["ptr", "ptr", "ptr", "u64", "i32"], returns: "i32" },
  }).symbols;

/** What flock(2) does on a file: `excludes` a second one, `permits` it as if there were none, or has `none`. */
export function tryLocks(file: string): "excludes" | "permits" | "none" {
  const { flock } = open();
  // The lock belongs to the open file, so that one process can be both rivals.
  const [first, second] = [openSync(file, "a+"), openSync(file, "a+")];
  try {
    if (flock(first, LOCK_EX | LOCK_NB) !== 0) return "none";
    return flock(second, LOCK_EX | LOCK_NB) === 0 ? "permits" : "excludes";
  } finally {
    closeSync(first);
    closeSync(second);
  }
}

/** Whether a file can have an extended attribute of the user's. */
export function trySetAttribute(file: string): boolean {
  const text = (value: string) => Buffer.from(`${value}\0`);
  return open().setxattr(text(file), text("user.jacamar"), Buffer.from("1"), 1n, 0) === 0;
}

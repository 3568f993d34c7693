import { dlopen } from "bun:ffi";
import { readFileSync, readlinkSync } from "node:fs";

const MADV_DONTNEED = 4;

/**
 * Takes the pages of the program's own code out of this process: most were needed only to start. What runs again comes
 * back from the page cache, one fault for 64 KiB; code is never written, so nothing can be lost. Never throws: to save
 * memory is no reason to fail.
 */
export function dropProgramCode(): void {
  try {
    const libc = dlopen("libc.so.6", {
      madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
    });
    for (const [from, to] of codeRanges(
      readFileSync("/proc/self/maps", "utf8"),
      readlinkSync("/proc/self/exe"),
    ))
      libc.symbols.madvise(from, to - from, MADV_DONTNEED);
    libc.close();
  } catch {}
}

/**
 * Addresses of a program's executable, unwritable mappings, from the text of `/proc/PID/maps`. Only these: data that is
 * read-only now may have been relocated before, and would lose that.
 */
export function codeRanges(maps: string, program: string): readonly (readonly [bigint, bigint])[] {
  return maps.split("\n").flatMap((line) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+ +(.*)$/.exec(line) ?? [];
    return path === program ? [[BigInt(`0x${from}`), BigInt(`0x${to}`)] as const] : [];
  });
}

import { expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { codeRanges, dropProgramCode } from "./memory.ts";

/** KiB of the program's code that are mapped into this process. */
function residentCode(): number {
  const program = readlinkSync("/proc/self/exe");
  const parts = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return parts
    .filter((part) => codeRanges(part.split("\n", 1)[0] ?? "", program).length > 0)
    .reduce((sum, part) => sum + Number(/^Rss: +(\d+) kB/m.exec(part)?.[1]), 0);
}

test("the code of a program that runs leaves its memory, and the program runs on", () => {
  const before = residentCode();
  dropProgramCode();
  const after = residentCode();
  expect(before).toBeGreaterThan(0);
  expect(after).toBeLessThan(before);
  expect(JSON.parse('{"still":["here"]}')).toEqual({ still: ["here"] });
});

test("only what is executable, unwritable and the program's own counts", () => {
  const maps = [
    "00200000-01a39000 r--p 00000000 00:1b 77 /opt/ci/jacamar",
    "01a40000-0684a000 r-xp 01839000 00:1b 77 /opt/ci/jacamar",
    "06867000-06ebb000 rw-p 0665f000 00:1b 77 /opt/ci/jacamar",
    "07000000-07001000 rwxp 0665f000 00:1b 77 /opt/ci/jacamar",
    "331ede00000-3322de00000 rwxp 00000000 00:00 0",
    "7fbc9b42b000-7fbc9b581000 r-xp 00026000 00:1b 9 /usr/lib/libc.so.6",
    "",
  ].join("\n");
  expect(codeRanges(maps, "/opt/ci/jacamar")).toEqual([[0x1a40000n, 0x684a000n]]);
  expect(codeRanges(maps, "/opt/ci/other")).toEqual([]);
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { formatProblem } from "./problem.ts";
import { readSettings } from "./read.ts";

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "jacamar-read-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function problems(path: string): Promise<string[]> {
  const result = await readSettings(path);
  return result.ok ? [] : result.problems.map(formatProblem);
}

const GOOD = '[general]\nexecutor = "shell"\ndata_dir = "/d"\n';

test("reads a file and makes its path absolute", async () => {
  const path = write("good.toml", GOOD);

  const result = await readSettings(relative(process.cwd(), path));

  expect(result.ok && result.settings.file).toBe(path);
  expect(result.ok && result.warnings).toEqual([]);
});

test("accepts a byte order mark, CRLF and a symbolic link", async () => {
  const path = write("bom.toml", `\uFEFF${GOOD.replaceAll("\n", "\r\n")}`);
  const link = join(directory, "link.toml");
  symlinkSync(path, link);

  const result = await readSettings(link);

  expect(result.ok && result.settings.general.data_dir).toBe("/d");
});

test("a byte order mark does not shift the column", async () => {
  const path = write("bom-bad.toml", "\uFEFFa = x");

  expect(await problems(path)).toEqual([expect.stringContaining(`${path}:1:5: TOML syntax error`)]);
});

test("says so of a file that does not exist", async () => {
  const path = join(directory, "nope.toml");

  expect(await problems(path)).toEqual([
    `${path}: cannot read the configuration: no such file (ENOENT)`,
  ]);
});

test("says so of an empty name, and of one with a NUL", async () => {
  expect(await problems("")).toEqual(["no configuration file is named"]);
  expect(await problems("/a\0b")).toEqual([
    expect.stringMatching(/^\/a\\u0000b: cannot read the configuration: /),
  ]);
});

test("refuses a directory and a device", async () => {
  expect(await problems(directory)).toEqual([
    `${directory}: cannot read the configuration: it is a directory; wanted a regular file`,
  ]);
  expect(await problems("/dev/zero")).toEqual([
    "/dev/zero: cannot read the configuration: it is a device or socket; wanted a regular file",
  ]);
});

test("refuses a FIFO without waiting for a writer", async () => {
  const path = join(directory, "fifo");
  spawnSync("mkfifo", [path]);

  expect(await problems(path)).toEqual([
    `${path}: cannot read the configuration: it is a FIFO; wanted a regular file`,
  ]);
});

test("refuses a path through a file, and a loop of links", async () => {
  const file = write("file", "");
  const loop = join(directory, "loop");
  symlinkSync(loop, loop);

  expect((await problems(join(file, "x")))[0]).toContain("not a directory (ENOTDIR)");
  expect((await problems(loop))[0]).toContain("too many symbolic links (ELOOP)");
});

test("refuses more than 1 MiB and reads exactly 1 MiB", async () => {
  const comment = "#".repeat(1024 * 1024 - GOOD.length);
  const fits = write("fits.toml", GOOD + comment);
  const large = write("large.toml", `${GOOD}${comment}#`);

  expect(await problems(fits)).toEqual([]);
  expect(await problems(large)).toEqual([
    `${large}: the configuration file is larger than 1 MiB; wanted a TOML file`,
  ]);
});

test("reads files of /proc, whose size is said to be 0", async () => {
  expect((await problems("/proc/self/status"))[0]).toMatch(/TOML syntax error/);
});

test.each([
  ["nul.toml", "a = 1\nb = '\0'\n", "2:1: byte 12 is NUL: a binary file; wanted TOML in UTF-8"],
  [
    "latin1.toml",
    new Uint8Array([0x23, 0x0a, 0x23, 0xe9, 0x0a]),
    "2:1: not UTF-8 on this line; wanted TOML in UTF-8",
  ],
  ["cut.toml", new Uint8Array([0x23, 0xc3]), "1:1: not UTF-8 on this line; wanted TOML in UTF-8"],
])("refuses %s", async (name, content, problem) => {
  const path = write(name, content);

  expect(await problems(path)).toEqual([`${path}:${problem}`]);
});

test("says so of a file that may not be read", async () => {
  const path = write("closed.toml", GOOD);
  chmodSync(path, 0o000);
  const isRoot = process.geteuid?.() === 0;
  // Root may read everything, so the test puts the rights of root aside.
  if (isRoot) process.seteuid?.(65534);

  const found = await problems(path).finally(() => isRoot && process.seteuid?.(0));

  expect(found).toEqual([
    `${path}: cannot read the configuration: permission denied; wanted a file that the user of the runner may read (EACCES)`,
  ]);
});

test("never throws, whatever the bytes", async () => {
  mkdirSync(join(directory, "noise"));
  let state = 1;
  const alphabet = "[]{}=.,\"'#\\\n\r\t abugeneral1_-:+\u0000é";
  for (let round = 0; round < 400; round += 1) {
    let text = round % 2 === 0 ? "[general]\n" : "";
    for (let length = 0; length < 60; length += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      text += alphabet[(state >>> 8) % alphabet.length];
    }
    const path = write("noise/x.toml", text);

    const found = await problems(path);

    expect(found.length).toBeGreaterThan(0);
    expect(found.join("")).not.toContain("\n");
  }
});

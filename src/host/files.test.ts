import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import {
  errorCode,
  errorMessage,
  exists,
  readIfExists,
  readJson,
  writeAtomically,
} from "./files.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("files");
});
afterAll(() => fresh.remove());

/** Files of this test that are open. */
const openFiles = () =>
  readdirSync("/proc/self/fd").filter((fd) => targetOf(fd).startsWith(fresh.path)).length;

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

describe("writeAtomically()", () => {
  test("makes a private file, replaces an old one, and leaves nothing else", () => {
    const directory = `${fresh.path}/plain`;
    mkdirSync(directory);
    writeAtomically(`${directory}/file`, "old");
    writeAtomically(`${directory}/file`, "new ä🎉\n");
    expect(readFileSync(`${directory}/file`, "utf8")).toBe("new ä🎉\n");
    expect(statSync(`${directory}/file`).mode & 0o777).toBe(0o600);
    writeAtomically(`${directory}/open`, "", 0o644);
    expect(statSync(`${directory}/open`).mode & 0o777).toBe(0o644);
    expect(readdirSync(directory).sort()).toEqual(["file", "open"]);
  });

  test("replaces a link, never the file that it points to", () => {
    writeFileSync(`${fresh.path}/precious`, "precious");
    symlinkSync(`${fresh.path}/precious`, `${fresh.path}/link`);
    writeAtomically(`${fresh.path}/link`, "mine");
    expect(readFileSync(`${fresh.path}/precious`, "utf8")).toBe("precious");
    expect(readFileSync(`${fresh.path}/link`, "utf8")).toBe("mine");
  });

  test("a reader sees the whole of one version at every moment, also when the writer is killed", async () => {
    const path = `${fresh.path}/torn`;
    const program = `
      const { writeAtomically } = await import("${import.meta.dir}/files.ts");
      for (let i = 0; ; i++) writeAtomically("${path}", JSON.stringify({ i, pad: "x".repeat(100000), i2: i }));`;
    for (let round = 0; round < 5; round++) {
      const writer = Bun.spawn([process.execPath, "-e", program]);
      while (!exists(path)) await Bun.sleep(1);
      const from = readJson(path);
      for (let reads = 0; reads < 100 || Bun.deepEquals(readJson(path), from); reads++) {
        const value = readJson(path) as { i: number; i2: number };
        expect(value.i2).toBe(value.i);
        await Bun.sleep(0);
      }
      writer.kill("SIGKILL");
      await writer.exited;
      expect(readJson(path)).toHaveProperty("i2");
    }
  });

  test("on a full disk the old file stays, with no half one beside it and no file left open", () => {
    const disk = `${fresh.path}/disk`;
    mkdirSync(disk);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) mustRun(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    try {
      writeAtomically(`${disk}/file`, "old");
      // For an ordinary user a directory without write permission stands for the disk.
      if (!isRoot) chmodSync(disk, 0o500);
      const code = isRoot ? "ENOSPC" : "EACCES";
      for (let i = 0; i < 20; i++) {
        expect(() => writeAtomically(`${disk}/file`, "x".repeat(200_000))).toThrow(code);
      }
      expect(openFiles()).toBe(0);
      expect(readdirSync(disk)).toEqual(["file"]);
      expect(readFileSync(`${disk}/file`, "utf8")).toBe("old");
    } finally {
      chmodSync(disk, 0o700);
      if (isRoot) mustRun(["umount", disk]);
    }
  });

  test("where nothing can be made nothing is left", () => {
    const directory = `${fresh.path}/nothing`;
    mkdirSync(`${directory}/taken`, { recursive: true });
    expect(() => writeAtomically(`${directory}/no/where`, "")).toThrow("ENOENT");
    expect(() => writeAtomically(`${directory}/taken`, "")).toThrow("EISDIR");
    expect(readdirSync(directory)).toEqual(["taken"]);
    expect(openFiles()).toBe(0);
  });
});

describe("reading", () => {
  test("a missing file is undefined, another failure an error", () => {
    writeFileSync(`${fresh.path}/there`, "text");
    expect(readIfExists(`${fresh.path}/there`)).toBe("text");
    expect(readIfExists(`${fresh.path}/missing`)).toBeUndefined();
    expect(() => readIfExists(fresh.path)).toThrow("EISDIR");
  });

  test("JSON that is missing or torn is undefined", () => {
    writeFileSync(`${fresh.path}/json`, '{"a": [1]}');
    writeFileSync(`${fresh.path}/half`, '{"a": [1');
    expect(readJson(`${fresh.path}/json`)).toEqual({ a: [1] });
    expect(readJson(`${fresh.path}/half`)).toBeUndefined();
    expect(readJson(`${fresh.path}/missing`)).toBeUndefined();
  });

  test("exists() follows links and looks no further than a file", () => {
    writeFileSync(`${fresh.path}/file`, "");
    symlinkSync("/no/where", `${fresh.path}/dangling`);
    expect(exists(`${fresh.path}/file`)).toBe(true);
    expect(exists(fresh.path)).toBe(true);
    expect(exists(`${fresh.path}/file/below`)).toBe(false);
    expect(exists(`${fresh.path}/dangling`)).toBe(false);
  });
});

test("errors: their code if they have one, and one line for people", () => {
  const failure = Object.assign(new Error("first line\nsecond line"), { code: "EIO" });
  expect(errorCode(failure)).toBe("EIO");
  expect(errorMessage(failure)).toBe("first line");
  for (const other of [new Error("no code"), Object.assign(new Error(), { code: 5 }), "text", null])
    expect(errorCode(other)).toBe("");
  expect(errorMessage("text")).toBe("text");
  expect(errorMessage(undefined)).toBe("undefined");
});

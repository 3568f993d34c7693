import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { file } from "../../test/fixtures/layers.ts";
import { GO_ON, planned, sinkFor } from "../../test/fixtures/layers-flatten.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import type { Sink } from "./sink.ts";
import { writeTree } from "./write-tree.ts";

let dir: FreshDirectory;
beforeEach(() => {
  dir = freshDirectory("sink");
});
afterEach(() => dir.remove());

async function write(sink: Sink, signal = GO_ON) {
  const content = randomBytes(8 * 1024 * 1024);
  const { verdict, files } = await planned(dir.path, [[file("random", content)]]);
  if (!verdict.ok) throw new Error(verdict.refusal.message);
  return writeTree(verdict.value, files, sink, signal);
}

for (const kind of ["sqfs", "directory"] as const) {
  test.if(process.getuid?.() === 0)(
    `a full disk fails as that and leaves nothing: ${kind}`,
    async () => {
      const small = `${dir.path}/small`;
      mkdirSync(small);
      mustRun(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small]);
      try {
        const sink = sinkFor(small, kind);
        const result = await write(sink);
        expect(result).toMatchObject({ ok: false, failure: "no-space" });
        expect(existsSync(sink.target)).toBe(false);
      } finally {
        mustRun(["umount", small]);
      }
    },
  );

  test(`a cancelled image leaves nothing: ${kind}`, async () => {
    const sink = sinkFor(dir.path, kind);
    const result = await write(sink, AbortSignal.abort());
    expect(result).toMatchObject({ ok: false, failure: "cancelled" });
    expect(existsSync(sink.target)).toBe(false);
  });
}

test("a program that is killed, fails or is not there is named, and leaves nothing", async () => {
  const target = `${dir.path}/image.sqfs`;
  const program = (text: string): Sink => {
    const path = `${dir.path}/packer`;
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return { argv: [path], env: { PATH: "/usr/bin:/bin" }, target };
  };
  const killed = await write(program(`head -c 100 > ${target}; kill -9 $$`));
  expect(killed).toEqual({ ok: false, failure: "other", said: "packer was ended by SIGKILL" });
  expect(existsSync(target)).toBe(false);
  const failed = await write(program("echo 'what is wrong' >&2; exit 3"));
  expect(failed).toMatchObject({ said: "packer ended with status 3 (what is wrong)" });
  const absent = await write({ argv: ["/nonexistent/mksquashfs"], env: {}, target });
  expect(absent).toMatchObject({
    failure: "other",
    said: expect.stringContaining("could not be started"),
  });
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { removeTree } from "./remove-tree.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-remove-");
  chmodSync(dir, 0o777);
});
afterAll(() => rmSync(dir, { recursive: true }));

test("removeTree() removes a file, a directory, a link, and nothing", () => {
  mkdirSync(`${dir}/a/b`, { recursive: true });
  mkdirSync(`${dir}/kept`);
  writeFileSync(`${dir}/kept/file`, "");
  symlinkSync(`${dir}/kept`, `${dir}/a/b/link`);
  symlinkSync(`${dir}/kept`, `${dir}/link`);
  for (const name of ["a", "link", "none"]) {
    removeTree(`${dir}/${name}`);
    expect(existsSync(`${dir}/${name}`)).toBe(false);
  }
  expect(existsSync(`${dir}/kept/file`)).toBe(true);
});

test("an ordinary user's directories without write or search permission go too", async () => {
  // For root no permission is missing, so that the test leaves root behind.
  const script = `
    const { removeTree } = await import("${import.meta.dir}/remove-tree.ts");
    const { chmodSync, existsSync, mkdirSync, writeFileSync } = await import("node:fs");
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const top = "${dir}/module-cache";
    mkdirSync(top + "/deep/down", { recursive: true });
    writeFileSync(top + "/deep/down/file", "");
    chmodSync(top + "/deep/down", 0o555);
    chmodSync(top + "/deep", 0);
    chmodSync(top, 0o500);
    removeTree(top);
    console.log(existsSync(top));`;
  const run = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  expect(await new Response(run.stdout).text()).toBe("false\n");
});

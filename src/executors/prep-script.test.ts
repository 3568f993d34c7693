import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConsola } from "consola/core";
import { runPrepScript } from "./prep-script.ts";

let dir = "";
let lines: string[] = [];
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-prep-");
  mkdirSync(`${dir}/site scripts`);
});
beforeEach(() => {
  lines = [];
});
afterAll(() => rmSync(dir, { recursive: true }));

async function run(script: string | undefined, signal = new AbortController().signal) {
  const log = createConsola({
    level: 3,
    reporters: [{ log: ({ args }) => void lines.push(args.join(" ")) }],
  });
  const env = { HOME: dir, USER: "ann", PATH: "/usr/bin:/bin" };
  await runPrepScript(script, { shell: { bash: "/bin/bash", env }, directory: dir, log, signal });
  return lines;
}

function file(name: string, text: string, mode: number): string {
  writeFileSync(`${dir}/${name}`, text, { mode });
  return `${dir}/${name}`;
}

test("no script is nothing to do", async () => {
  expect(await run(undefined)).toEqual([]);
});

test("inline Bash runs in a login shell in the user's home, its output in the log", async () => {
  const script = 'echo "$USER in $PWD"\nshopt -q login_shell && echo login >&2';
  expect((await run(script)).sort()).toEqual([`ann in ${dir}`, "login"]);
});

test("a path is run: as what its first line says, else as Bash, also with blanks in it", async () => {
  expect(await run(file("program", "#!/bin/sh\necho from $0", 0o755))).toEqual([
    `from ${dir}/program`,
  ]);
  lines = [];
  expect(await run(file("plain", "echo ${BASH_VERSION:+bash}", 0o644))).toEqual(["bash"]);
  lines = [];
  expect(await run(file("site scripts/prep.sh", "#!/bin/sh\necho blanks", 0o755))).toEqual([
    "blanks",
  ]);
  lines = [];
  expect(await run(`${dir}/program with arguments`)).toEqual([`from ${dir}/program`]);
});

test("a missing file and a failure name the key; what the script said is in the log", async () => {
  const key = "[general.charliecloud] prep_script";
  await expect(run(`${dir}/none`)).rejects.toThrow(
    `cannot run ${dir}/none: there is no such file (${key})`,
  );
  await expect(run("echo why; exit 3")).rejects.toThrow(
    `ended with status 3; see its output above (${key})`,
  );
  expect(lines).toEqual(["why"]);
  await expect(run(`/${"x".repeat(5000)}`)).rejects.toThrow("ended with status");
});

test("a cancelled script is ended", async () => {
  const controller = new AbortController();
  const going = run("echo started; sleep 60; echo never", controller.signal);
  while (lines.length === 0) await Bun.sleep(10);
  controller.abort();
  await expect(going).rejects.toThrow("was cancelled");
  expect(lines).toEqual(["started"]);
});

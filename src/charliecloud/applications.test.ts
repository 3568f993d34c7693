import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { canWriteFake, chImageEnvironment, findApplications, versionIn } from "./applications.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-applications-");
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A program that answers to `--version`, or does what `script` says. */
function program(path: string, script: string): void {
  mkdirSync(`${dir}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
  writeFileSync(`${dir}/${path}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const SYSTEM = "/usr/bin:/bin";

test("versionIn() reads what the programs print", () => {
  for (const [text, version] of [
    ["0.31\n", "0.31"],
    ["\n0.38\n", "0.38"],
    ["0.45.2\n", "0.45.2"],
    ["0.39~pre+4f3a1b2", "0.39"],
    ["v1.0\n", "1.0"],
    ["ch-run 0.38\n", "0.38"],
    ["a module was loaded: 2.1 is new\n0.38\n", "0.38"],
    ["", ""],
    ["ch-run[7]: error: $USER not set (ch-run.c:122)", ""],
    ["/lib/libc.so.6: version `GLIBC_2.38' not found", ""],
    ["12\n", ""],
  ] as const) {
    expect([text, versionIn(text)]).toEqual([text, version]);
  }
});

test("canWriteFake() is true from 0.36 on", () => {
  for (const version of ["0.36", "0.36.1", "0.38", "0.100", "1.0", "2.0.1"]) {
    expect([version, canWriteFake(version)]).toEqual([version, true]);
  }
  for (const version of ["0.31", "0.9", "0.35.9", "0", ""]) {
    expect([version, canWriteFake(version)]).toEqual([version, false]);
  }
});

test("findApplications() searches the PATH of the login shell", async () => {
  program("path/ch-run", "echo 0.38 >&2");
  program("path/ch-image", "echo 0.31");
  const found = await findApplications(undefined, {
    PATH: `relative:${dir}/none:${dir}/path:${SYSTEM}`,
  });
  expect(found.chRun).toEqual({ path: `${dir}/path/ch-run`, version: "0.38" });
  expect(found.chImage).toEqual({ path: `${dir}/path/ch-image`, version: "0.31" });
});

test("findApplications() says where it looked when there is nothing", async () => {
  const found = await findApplications(undefined, { PATH: `${dir}/none` });
  expect([found.chRun, found.chImage]).toEqual([undefined, undefined]);
  expect(found.searched).toBe(`PATH of the login shell (${dir}/none)`);
  const keyed = await findApplications(`${dir}/none`, { PATH: SYSTEM });
  expect([keyed.chRun, keyed.chImage]).toEqual([undefined, undefined]);
  expect(keyed.searched).toBe(`[general.charliecloud] application_path = "${dir}/none"`);
  const relative = await findApplications("bin", { PATH: SYSTEM });
  expect([relative.chRun, relative.chImage]).toEqual([undefined, undefined]);
  expect(relative.searched).toContain("no absolute path");
});

test("application_path as a directory counts alone, with and without a slash, also when it is called ch-…", async () => {
  program("ch-0.38/ch-run", "echo 0.38 >&2");
  for (const path of [`${dir}/ch-0.38`, `${dir}/ch-0.38//`]) {
    const found = await findApplications(path, { PATH: `${dir}/path:${SYSTEM}` });
    expect(found.chRun).toEqual({ path: `${dir}/ch-0.38/ch-run`, version: "0.38" });
    expect(found.chImage).toBeUndefined();
  }
});

test("application_path as the full path of one tool: the other is beside it, else in the PATH", async () => {
  program("path/ch-image", "echo 0.31");
  program("one/ch-run", "echo 0.45.2 >&2");
  const alone = await findApplications(`${dir}/one/ch-run`, { PATH: `${dir}/path:${SYSTEM}` });
  expect(alone.chRun).toEqual({ path: `${dir}/one/ch-run`, version: "0.45.2" });
  expect(alone.chImage?.path).toBe(`${dir}/path/ch-image`);
  program("one/ch-image", "echo 0.45.2");
  const beside = await findApplications(`${dir}/one/ch-run`, { PATH: `${dir}/path:${SYSTEM}` });
  expect(beside.chImage?.path).toBe(`${dir}/one/ch-image`);
  program("wrapped/ch-run-site", "echo 0.38 >&2");
  const wrapped = await findApplications(`${dir}/wrapped/ch-run-site`, { PATH: SYSTEM });
  expect(wrapped.chRun?.path).toBe(`${dir}/wrapped/ch-run-site`);
});

test("a program that fails has no version, whatever numbers it prints", async () => {
  program("broken/ch-run", "echo 'version 2.38 not found'; echo 9.9; exit 1");
  const found = await findApplications(`${dir}/broken`, { PATH: SYSTEM });
  expect(found.chRun).toEqual({ path: `${dir}/broken/ch-run`, version: "" });
});

test("chImageEnvironment() puts the system's Python before a user's for a distribution's ch-image only", () => {
  const login = {
    PATH: "/home/ann/.pyenv/shims:/usr/bin",
    PYTHONPATH: "/x",
    PYTHONHOME: "/y",
    A: "b",
  };
  for (const path of ["/usr/bin/ch-image", "/bin/ch-image"]) {
    expect(chImageEnvironment(path, login)).toEqual({
      PATH: "/usr/bin:/bin:/usr/sbin:/sbin:/home/ann/.pyenv/shims:/usr/bin",
      PYTHONNOUSERSITE: "1",
      A: "b",
    });
  }
  expect(chImageEnvironment("/opt/bin/ch-image", login)).toEqual(login);
  expect(chImageEnvironment("/usr/bin/ch-image", {})["PATH"]).toBe("/usr/bin:/bin:/usr/sbin:/sbin");
});

test("a ch-image that the user's Python cannot run is asked again with the system's", async () => {
  // Stands for a program with `#!/usr/bin/env python3` of which only the system's Python has the modules.
  program(
    "built/ch-image",
    "case $PATH in /usr/bin:*) echo 0.40 ;; *) echo ModuleNotFoundError >&2; exit 1 ;; esac",
  );
  const login = { PATH: `/home/ann/conda/bin:${SYSTEM}`, PYTHONPATH: "/x" };
  const found = await findApplications(`${dir}/built`, login);
  expect(found.chImage).toEqual({ path: `${dir}/built/ch-image`, version: "0.40" });
  expect(found.chImageEnv["PATH"]).toStartWith("/usr/bin:");
  expect(found.chImageEnv["PYTHONPATH"]).toBeUndefined();
  program("modules/ch-image", '[ -n "$PYTHONPATH" ] && echo 0.40');
  expect((await findApplications(`${dir}/modules`, login)).chImageEnv).toEqual(login);
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { probeImage } from "./probe.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-probe-");
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Probes what `command` starts; without a container the host stands for the image, with `path` as its PATH. */
function probe(command: readonly string[], path = "/usr/bin:/bin", programs = ["bash"]) {
  const { signal } = new AbortController();
  return probeImage(command, { env: { PATH: path }, cwd: dir, programs, signal });
}

/** A directory that holds nothing but links to these programs. */
function only(name: string, ...programs: string[]): string {
  mkdirSync(`${dir}/${name}`);
  for (const program of programs) {
    symlinkSync(program, `${dir}/${name}/${program.slice(program.lastIndexOf("/") + 1)}`);
  }
  return `${dir}/${name}`;
}

function starter(name: string, text: string): string[] {
  writeFileSync(`${dir}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return [`${dir}/${name}`];
}

test("bash runs the scripts where there is one", async () => {
  expect(await probe(["/usr/bin/env"])).toEqual({
    shell: {
      interpreter: expect.stringMatching(/^\/(usr\/)?bin\/bash$/),
      shell: expect.stringMatching(/bash$/),
      isBash: true,
    },
    missing: [],
  });
});

test("programs that the image lacks are named", async () => {
  const path = only("few", "/bin/bash");
  expect(await probe(["/usr/bin/env"], path, ["bash", "git", "gitlab-runner"])).toMatchObject({
    shell: { shell: `${path}/bash` },
    missing: ["git", "gitlab-runner"],
  });
});

test("without bash a sh serves that understands $'…', as busybox does and dash does not", async () => {
  const path = only("none");
  // The last arguments are `/bin/sh -c SCRIPT`.
  const busybox = starter("busybox-sh", 'shift; exec /bin/busybox sh "$@"');
  expect(await probe(busybox, path)).toEqual({
    shell: { interpreter: "/bin/sh", shell: "/bin/sh", isBash: false },
    missing: ["bash"],
  });
  const dash = starter("dash-sh", 'shift; exec /bin/dash "$@"');
  expect(await probe(dash, path)).toEqual({ shell: undefined, missing: ["bash"] });
});

test("noise around the answers does not matter", async () => {
  const noisy = starter("noisy", 'echo "ch-run: warning: error-free" >&2; echo profile; exec "$@"');
  expect(await probe(noisy)).toMatchObject({ shell: { isBash: true } });
});

test("a container that does not start gives its last error, or how it ended", async () => {
  for (const [text, failure] of [
    [
      "echo 'ch-run[7]: error: can not stat: x' >&2; echo 'see --help' >&2; exit 1",
      "ch-run[7]: error: can not stat: x",
    ],
    ["echo 'Try --usage' >&2; exit 64", "Try --usage"],
    ["exit 3", "ch-run ended with status 3"],
    // Some options make ch-run do something else and succeed.
    ["echo 0.31", "ch-run ended with status 0"],
    ["kill -KILL $$", "ch-run was ended by SIGKILL"],
  ] as const) {
    expect(await probe(starter("fails", text))).toEqual({ failure });
  }
  expect(await probe([`${dir}/missing`])).toEqual({
    failure: "ch-run could not be started: no such program",
  });
});

test("it starts where the job's stages will start", async () => {
  const here = starter("here", "pwd >&2; exit 1");
  expect(await probe(here)).toEqual({ failure: dir });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { entryPath, recordPath, scriptPath } from "./entry-path.ts";
import { containerEntryProgram, hostEntryProgram } from "./entry-programs.ts";
import { superviseProgram } from "./templates.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("templates");
  mkdirSync(`${fresh.path}/home`);
});
afterAll(() => fresh.remove());

const NASTY = ["plain", "two words", 'it\'s $HOME `id` "quoted"', "line\nbreak", "ä🎉", "*", "-n"];

/** What gitlab-runner writes, in short. */
const FRAME = `#!/usr/bin/env bash

trap 'exit 1' TERM
set -eo pipefail
set +o noclobber
(trap 'exit 1' TERM; eval $'export A=\\'b\\'\\necho "$A"\\n') < /dev/null
exit 0
`;

let programs = 0;
function file(text: string): string {
  const path = `${fresh.path}/program-${programs++}`;
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Answer {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], {
    env: { PATH: "/usr/bin:/bin", HOME: `${fresh.path}/home`, ...env },
    cwd: "/",
  });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const FINE: Answer = { code: 0, stdout: "", stderr: "" };

describe("the programs are sound shell, whatever the paths", () => {
  const host = (path: string) => hostEntryProgram({ record: path, fallback: path, script: FRAME });
  const container = (path: string) =>
    containerEntryProgram({ interpreter: "/bin/sh", shell: path, script: path, record: path });

  for (const name of NASTY) {
    test(JSON.stringify(name), () => {
      const path = `/scripts/${name}`;
      expect(run(["bash", "-n", file(host(path))])).toEqual(FINE);
      for (const shell of [["bash"], ["bash", "--posix"], ["dash"], ["busybox", "sh"]])
        expect(run([...shell, "-n", file(container(path))])).toEqual(FINE);
      // What quotes are for is what these two warn of: text that looks as if it should be expanded.
      const check = ["shellcheck", "--exclude=SC2016,SC1003"];
      expect(run([...check, "--shell=bash", file(host(path))])).toEqual(FINE);
      expect(run([...check, "--shell=sh", file(container(path))])).toEqual(FINE);
    });
  }

  test("and so is the supervisor, with and without a summary", () => {
    for (const start of [undefined, { sections: true, lines: NASTY }]) {
      const path = file(superviseProgram(start));
      expect(run(["bash", "-n", path])).toEqual(FINE);
      expect(run(["shellcheck", "--exclude=SC2016,SC1003", path])).toEqual(FINE);
    }
  });
});

describe("the host's entry program", () => {
  const enter = (
    script: string,
    options: { record?: string; fallback?: string; profile?: string } = {},
  ) => {
    const { record = `${fresh.path}/record`, fallback = "", profile = "" } = options;
    rmSync(record, { force: true });
    writeFileSync(`${fresh.path}/home/.bash_profile`, profile);
    const entry = file(hostEntryProgram({ record, fallback, script }));
    const answer = run(["/bin/bash", "--login", entry]);
    return { ...answer, record: existsSync(record) ? readFileSync(record, "utf8") : undefined };
  };
  const ended = (status: number) => `v1 started\nv1 ended ${status} 0\n`;

  test("records the script's status and ends with it, whatever it is", () => {
    writeFileSync(`${fresh.path}/home/.bash_logout`, "echo logging out\nexit 0\n");
    for (const status of [0, 1, 2, 125, 255]) {
      const record = ended(status);
      expect(enter(`exit ${status}\n`)).toEqual({ ...FINE, code: status, record });
    }
    rmSync(`${fresh.path}/home/.bash_logout`);
    expect(enter("false\ntrue").record).toBe(ended(0));
    expect(enter("set -e\nfalse\ntrue\n").record).toBe(ended(1));
    expect(enter(FRAME)).toMatchObject({ stdout: "b\n", stderr: "", record: ended(0) });
  });

  test("records no status of a script that Bash cannot read", () => {
    expect(enter("if true; then\n").record).not.toContain("ended");
    expect(enter("echo 'no end\n").record).not.toContain("ended");
  });

  test("keeps its record anywhere", () => {
    for (const name of NASTY) {
      const record = `${fresh.path}/${name}`;
      expect(enter("exit 4\n", { record }).record).toBe(ended(4));
    }
  });

  test("has the profile's functions, and none of its options or variables decide the status", () => {
    const profile = `
      site() { echo from the profile; }
      set -eu -o pipefail -o noclobber
      readonly rc=0 status=0 code=0
      trap 'exit 0' EXIT
      shopt -s failglob nullglob`;
    const answer = enter("site\nexit 9\n", { profile });
    expect(answer).toMatchObject({ stdout: "from the profile\n", record: ended(9) });
  });

  test("a profile that ends the shell leaves no record at all", () => {
    expect(enter("exit 0\n", { profile: "exit 0\n" }).record).toBeUndefined();
  });

  test("the script does not see the driver's variables", () => {
    expect(enter("echo [$record$fallback]\n", { fallback: "/x" }).stdout).toBe("[]\n");
  });

  test("finds gitlab-runner in the fallback directory, and only when the profile has none", () => {
    for (const place of ["site", "fallback"]) {
      mkdirSync(`${fresh.path}/${place}`, { recursive: true });
      const program = `${fresh.path}/${place}/gitlab-runner`;
      writeFileSync(program, `#!/bin/sh\necho ${place}\n`, { mode: 0o755 });
    }
    const fallback = `${fresh.path}/fallback`;
    expect(enter("gitlab-runner\n", { fallback }).stdout).toBe("fallback\n");
    const profile = `PATH=$PATH:${fresh.path}/site\n`;
    expect(enter("gitlab-runner\n", { fallback, profile }).stdout).toBe("site\n");
  });
});

describe("the container's entry program", () => {
  const SHELLS = [["/bin/bash"], ["/bin/dash"], ["/bin/busybox", "sh"]];
  const enter = (shell: readonly string[], text: string, directory = fresh.path) => {
    mkdirSync(directory, { recursive: true });
    const [record, script] = [`${directory}/record`, `${directory}/script`];
    rmSync(record, { force: true });
    writeFileSync(script, text);
    const inside = { interpreter: "/bin/sh", shell: "/bin/bash", script, record };
    const answer = run([...shell, file(containerEntryProgram(inside))]);
    return { ...answer, record: existsSync(record) ? readFileSync(record, "utf8") : undefined };
  };

  for (const shell of SHELLS) {
    const name = shell.join(" ");
    test(`passes on and records the script's status under ${name}`, () => {
      for (const status of [0, 1, 2, 125, 126, 127, 255]) {
        const record = `v1 started\nv1 ended ${status} 0\n`;
        expect(enter(shell, `exit ${status}\n`)).toEqual({ ...FINE, code: status, record });
      }
    });

    test(`tells signals that the script dies from under ${name}`, () => {
      for (const [signal, status] of [
        ["KILL", 137],
        ["TERM", 143],
        ["SEGV", 139],
      ]) {
        const answer = enter(shell, `ulimit -c 0\nkill -${signal} $$\n`);
        expect(answer.record).toBe(`v1 started\nv1 ended ${status} 0\n`);
      }
    });

    test(`is not hit by a script that signals its own process group under ${name}`, () => {
      expect(enter(shell, "kill -TERM 0\n").record).toBe("v1 started\nv1 ended 143 0\n");
    });

    test(`says that it was signalled itself under ${name}`, () => {
      // Of a script that ends at that very moment Bash 5.2 does not know the status any more.
      expect(enter(shell, "kill $PPID\nsleep 0.1\nexit 0\n").record).toBe(
        "v1 started\nv1 ended 0 1\n",
      );
    });

    test(`gives the script an empty stdin and leaves interrupts alone under ${name}`, () => {
      const text = "cat\ngrep SigIgn /proc/self/status\n";
      expect(enter(shell, text).stdout).toBe(`SigIgn:\t${"0".repeat(16)}\n`);
    });

    test(`works in any directory under ${name}`, () => {
      for (const nasty of NASTY) {
        const answer = enter(shell, "exit 3\n", `${fresh.path}/in ${nasty}`);
        expect(answer.record).toBe("v1 started\nv1 ended 3 0\n");
      }
    });
  }
});

test("a stage's files have a plain name, whatever the step is called", () => {
  expect(entryPath("/s", "build_script")).toBe("/s/build_script.bash");
  expect(scriptPath("/s", "step_a/../../b c'$x")).toBe("/s/step_a_.._.._b_c__x.script");
  expect(recordPath("/s", "step_ä\n")).toBe("/s/step___.status");
});

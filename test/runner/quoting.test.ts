import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  ansiQuote,
  defaultFrame,
  frameScript,
  quote,
  type ScriptFrame,
} from "../../src/runner/quoting.ts";

const frames: readonly ScriptFrame[] = ["pipe-eval", "pipe-subshell", "subshell"];

/** Runs bash with a script on its standard input, as a driver does. */
function bash(script: string | Buffer): { code: number | null; output: Buffer } {
  const { status, stdout } = spawnSync("bash", [], {
    input: script,
    env: { PATH: "/usr/bin:/bin" },
  });
  return { code: status, output: stdout };
}

function framed(body: string, frame: ScriptFrame): string {
  return frameScript(body, { frame, shell: "bash", version: "19.4", trace: false });
}

test("every byte survives quoting once and twice", () => {
  const all = Uint8Array.from({ length: 255 }, (_, index) => index + 1);
  // Hex digits after each byte show that an escape does not take in what follows it.
  const bytes = Uint8Array.from([...all].flatMap((byte) => [byte, 0x61, 0x31, byte]));
  const once = `printf %s ${ansiQuote(bytes)}`;
  expect(bash(once).output.equals(bytes)).toBe(true);
  expect(bash(`eval ${ansiQuote(once)}`).output.equals(bytes)).toBe(true);
  for (const locale of ["C", "C.UTF-8"]) {
    expect(bash(`export LC_ALL=${locale}\neval ${ansiQuote(once)}`).output.equals(bytes)).toBe(
      true,
    );
  }
});

test("quoted text is printable ASCII on one line", () => {
  expect(ansiQuote("a'b\\c\n\té\x01")).toBe("$'a\\'b\\\\c\\n\\t\\xc3\\xa9\\x01'");
  expect(() => ansiQuote("a\0b")).toThrow("NUL");
});

test("plain words stay as they are", () => {
  expect(quote("/a/b-c_1.d:e=@%+,")).toBe("/a/b-c_1.d:e=@%+,");
  for (const word of ["", "a b", "~", "$x", "*", "é", "a'b", "a;b"]) {
    const { output } = bash(`set -- ${quote(word)}; printf '%s,%s' "$#" "$1"`);
    expect(output.toString()).toBe(`1,${word}`);
  }
});

test.each([
  ["pipe-eval", 42, 1, 1],
  ["pipe-subshell", 42, 42, 127],
  ["subshell", 42, 42, 127],
] as const)("exit codes in the frame %s", (frame, exit, failing, unknown) => {
  expect(bash(framed("exit 42\n", frame)).code).toBe(exit);
  expect(bash(framed("(exit 42)\necho not reached\n", frame)).code).toBe(failing);
  expect(bash(framed("no-such-command\n", frame)).code).toBe(unknown);
  expect(bash(framed("true\n", frame)).code).toBe(0);
  expect(bash(framed("false | true\n", frame)).code).toBe(1);
});

test.each(frames)("commands in the frame %s have an empty standard input", (frame) => {
  expect(bash(framed("cat\necho end\n", frame)).output.toString()).toBe("end\n");
});

test("the frame follows the version and the feature flags", () => {
  const none = { legacyEval: false, newEval: false };
  expect(defaultFrame("19.4", none)).toBe("subshell");
  expect(defaultFrame("19.1", { ...none, legacyEval: true })).toBe("pipe-eval");
  expect(defaultFrame("19.0", none)).toBe("pipe-eval");
  expect(defaultFrame("15.0", { ...none, newEval: true })).toBe("pipe-subshell");
});

test("the frame is one line of body in a fixed surrounding", () => {
  expect(framed("echo 1\necho 2\n", "subshell").split("\n")).toEqual([
    "#!/usr/bin/env bash",
    "",
    "trap 'exit 1' TERM",
    "if (set -o pipefail) 2> /dev/null; then set -o pipefail; fi; set -o errexit",
    "set +o noclobber",
    "(trap 'exit 1' TERM; eval $'echo 1\\necho 2\\n') < /dev/null",
    "exit 0",
    "",
  ]);
  const old = frameScript("x", { frame: "pipe-eval", shell: "sh", version: "15.0", trace: true });
  expect(old).toStartWith("#!/usr/bin/env sh\n\nset -o xtrace\n");
  expect(old).not.toContain("trap");
});

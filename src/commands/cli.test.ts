import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { startDriver } from "../../test/fixtures/command-line.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-cli-");
});
afterAll(() => rmSync(dir, { recursive: true }));

const start = (words: readonly string[], env: Record<string, string> = {}) =>
  startDriver(words, { PATH: "/usr/bin:/bin", HOME: dir, ...env });

const NO_COMMAND =
  "no command given; wanted: one of config, prepare, run, cleanup, check, schema, doctor, cache, try, help";

const USAGE: readonly (readonly [readonly string[], string])[] = [
  [[], NO_COMMAND],
  [["-u", "--no-auth"], NO_COMMAND],
  [["prepair"], 'unknown command "prepair"; nearest is "prepare"'],
  [["constructor"], 'unknown command "constructor"; nearest is "doctor"'],
  [["--frobnicate", "prepare"], "unknown option --frobnicate"],
  [["prepare", "--no-auth"], "unknown option --no-auth"],
  [["prepare", "--configuration", "x"], "unknown option --configuration"],
  [["prepare", "extra"], 'unexpected word "extra"'],
  [["--no-auth=false", "prepare"], "option --no-auth takes no value"],
  [["config"], "config: Missing required argument: --configuration"],
  [["config", "--configuration"], "option --configuration needs a value"],
  [["config", "--configuraton", "x"], "unknown option --configuraton"],
  [["cleanup", "--configuration"], "option --configuration needs a value"],
  [["run"], "run: Missing required positional argument: SCRIPT"],
  [["run", "/script"], "run: Missing required positional argument: STAGE"],
  [["run", "/script", "build_script", "extra"], 'unexpected word "extra"'],
  [["run", "/script", "--stage"], "unknown option --stage"],
  [["--explain", "prepare"], 'unexpected word "prepare" beside --explain'],
  [["--explain", "--image"], "option --image needs a value"],
  [["--", "prepare"], "unknown option --"],
  [["doctor", "--suport", "x"], "unknown option --suport"],
  [["doctor", "x"], 'unexpected word "x"'],
  [["schema", "x"], 'unexpected word "x"'],
  [["check"], "check: Missing required positional argument: FILE"],
  [["check", "a", "b", "--colour"], "unknown option --colour"],
  [["check", "a", "--format"], "option --format needs a value"],
  [["help", "a", "b"], 'unexpected word "b"'],
  [
    ["help", "kill_timout"],
    'no command, key or table is called "kill_timout"; nearest is general.kill_timeout',
  ],
];

test("a mistake on the command line is one line on stderr and a system failure, never a build failure", async () => {
  const ended = await Promise.all(USAGE.map(([words]) => start(words)));
  expect(ended).toEqual(
    USAGE.map(([, message]) => ({
      status: 2,
      stdout: "",
      stderr: `jacamar: error: ${message}; see jacamar --help\n`,
    })),
  );
});

test("the runner says which exit code means a system failure", async () => {
  for (const [code, status] of [
    ["42", 42],
    ["0", 2],
    ["256", 2],
    ["x", 2],
  ] as const) {
    expect((await start(["nothing"], { SYSTEM_FAILURE_EXIT_CODE: code })).status).toBe(status);
  }
});

test("--version prints the four lines that tools look for", async () => {
  const { status, stdout, stderr } = await start(["--version"]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "Version: 1.2.3",
    "Git Commit: abc",
    `Bun Version: ${Bun.version}-linux/${process.arch}`,
    "Built: now",
  ]);
});

test("--help lists commands and options, for a command its own, without colour where no terminal is", async () => {
  for (const [words, wanted] of [
    [["--help"], ["config_exec", "--no-auth", "--explain", "--job-response=<FILE>"]],
    [["-h"], ["cleanup_exec"]],
    [
      ["config", "--help"],
      ["--configuration=<FILE>", "config_exec"],
    ],
    [
      ["run", "-h"],
      ["SCRIPT", "STAGE"],
    ],
    [["--nonsense", "--help"], ["USAGE"]],
  ] as const) {
    const { status, stdout, stderr } = await start(words);
    expect([words, status, stderr]).toEqual([words, 0, ""]);
    for (const text of wanted) expect(stdout).toContain(text);
    expect(stdout).not.toContain("\u001b");
  }
});

test("hooks that gitlab-runner did not start say what is missing, in one line", async () => {
  const toml = `${dir}/jacamar.toml`;
  writeFileSync(toml, '[general]\nexecutor = "shell"\ndata_dir = "/d"\n');
  for (const [words, message] of [
    [["config", "--configuration", toml], "config: TMPDIR is"],
    [["prepare"], "JACAMAR_CI_STATE is not set"],
    [["--no-auth", "run", "/script", "build_script"], "JACAMAR_CI_STATE is not set"],
    [["-u", "--no-auth", "run", "/script", "any-stage"], "JACAMAR_CI_STATE is not set"],
  ] as const) {
    const { status, stdout, stderr } = await start(words);
    expect([words, status, stdout]).toEqual([words, 2, ""]);
    expect(stderr).toStartWith("jacamar: error: ");
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  }
  expect((await start(["cleanup", "--configuration", toml])).status).toBe(0);
});

test("every hook removes an exit code that an earlier one left", async () => {
  const file = `${dir}/build_exit_code`;
  for (const words of [["prepare"], ["run", "/script", "build_script"], ["cleanup"]]) {
    writeFileSync(file, "7\n");
    await start(words, { BUILD_EXIT_CODE_FILE: file });
    expect([words, existsSync(file)]).toEqual([words, false]);
  }
});

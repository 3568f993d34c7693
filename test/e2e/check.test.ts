import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { binaryPath } from "../binary.ts";
import { type FreshDirectory, freshDirectory } from "../fixtures/directory.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("check");
  mkdirSync(`${fresh.path}/home`);
});
afterAll(() => fresh.remove());

const GENERAL = ["[general]", 'executor = "shell"', 'data_dir = "$HOME"'];

function file(name: string, ...lines: string[]): string {
  writeFileSync(`${fresh.path}/${name}`, lines.join("\n"));
  return name;
}

function run(words: readonly string[], env: Record<string, string> = {}, input = "") {
  const { stdout, stderr, exitCode } = Bun.spawnSync([binaryPath(), ...words], {
    cwd: fresh.path,
    env: { HOME: `${fresh.path}/home`, PATH: "/usr/bin:/bin", ...env },
    stdin: Buffer.from(input),
  });
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test("0: nothing, or only what is ignored; 1: findings; 2: a file that cannot be read", () => {
  const clean = file("clean.toml", ...GENERAL);
  const ignored = file("ignored.toml", ...GENERAL, "ff_x = true");
  const regret = file("regret.toml", ...GENERAL, "[batch]", 'nfs_timeout = "2m"');
  const refused = file("refused.toml", ...GENERAL, "kill_timout = '3s'");
  const binary = file("binary.toml", "a\0b");
  for (const [words, status, text] of [
    [[clean], 0, "1 file: nothing found"],
    [[ignored], 0, "ignored.toml:4:1: info: is known from Jacamar CI"],
    [[clean, ignored], 0, "2 files: 1 info"],
    [[regret], 1, "regret.toml:5:15: warning: has no effect"],
    [[refused], 1, 'refused.toml:4:1: error: unknown key; nearest known key is "kill_timeout"'],
    [[binary], 1, "binary.toml:1:1: error: byte 2 is NUL"],
    [[clean, refused, regret], 1, "3 files: 1 error, 1 warning"],
    [["none.toml"], 2, "none.toml: error: cannot read the configuration: no such file"],
    [["home", refused], 2, "refused.toml:4:1: error"],
  ] as const) {
    for (const format of ["text", "json", "sarif", "gitlab"]) {
      const ended = run(["check", "--format", format, ...words]);
      expect([words, format, ended.status, ended.stderr]).toEqual([words, format, status, ""]);
    }
    const { stdout } = run(["check", ...words]);
    expect(stdout).toContain(text);
    expect(stdout).not.toContain("\u001b");
  }
});

test("a wrong command line is status 2 and one line", () => {
  for (const [words, message] of [
    [["check"], "check: Missing required positional argument: FILE"],
    [["check", "--format", "xml", "f"], "Invalid value for argument: --format (xml)"],
    [["check", "--colour", "f"], "unknown option --colour"],
  ] as const) {
    const { status, stdout, stderr } = run(words);
    expect([status, stdout, stderr.trimEnd().split("\n").length]).toEqual([2, "", 1]);
    expect(stderr).toContain(message);
  }
});

test("all problems are reported at once, sorted by line, each with its line and a caret", () => {
  const name = file(
    "many.toml",
    ...GENERAL,
    'run_mechanism = "charliecloud"',
    "[general.charliecloud]",
    'custom_options = ["--no-such-option"]',
    "image_allowlist = ['registry.example.org/', '/x', '(']",
    "disable_convert = 1",
  );
  const { stdout } = run(["check", name]);
  const heads = stdout.split("\n").filter((line) => line.startsWith("many.toml"));
  expect(heads.map((line) => line.split(": ", 2).join(": "))).toEqual([
    "many.toml:6:19: warning",
    "many.toml:7:20: warning",
    "many.toml:7:45: warning",
    "many.toml:7:51: error",
    "many.toml:8:19: error",
  ]);
  expect(stdout).toContain("--no-such-option is not an option of ch-run 0.31");
  expect(stdout).toContain(`    disable_convert = 1\n    ${" ".repeat(18)}^\n`);
});

/** Each with the question whether `config` takes it. */
const DOCUMENTS: readonly (readonly string[])[] = [
  GENERAL,
  [...GENERAL, "typo = 1"],
  [...GENERAL, 'unknown_keys = "warn"', "typo = 1"],
  ["[general]", 'executor = "cobalt"', 'data_dir = "$HOME"'],
  ["[general]", 'executor = "shell"', 'data_dir = "relative"'],
  ["[general]", 'executor = "shell"', 'data_dir = "/proc/x"'],
  ["[general]", 'executor = "shell"', 'data_dir = ""'],
  [...GENERAL, "[auth]"],
  [...GENERAL, "[auth]", 'downscope = "setuid"'],
  [...GENERAL, "[auth]", 'downscope = "none"'],
  [...GENERAL, 'run_mechanism = "podman"'],
  [...GENERAL, "[batch]", "default_args = ['--x']"],
  [...GENERAL, "[general.charliecloud]", "image_allowlist = ['[']"],
  [...GENERAL, "[general.charliecloud]", "image_allowlist = ['/never']"],
  ["not toml"],
  ["\u0000"],
  [""],
];

test("check has an error exactly where config refuses, with and without --no-auth", () => {
  let refusals = 0;
  for (const [index, lines] of DOCUMENTS.entries()) {
    const name = file(`document-${index}.toml`, ...lines);
    for (const flags of [[], ["--no-auth"]]) {
      const attempt = mkdtempSync(`${fresh.path}/attempt-`);
      chmodSync(attempt, 0o700);
      const config = run([...flags, "config", "--configuration", `${fresh.path}/${name}`], {
        TMPDIR: attempt,
        CUSTOM_ENV_CI_JOB_ID: "1",
        CUSTOM_ENV_CI_PROJECT_ID: "1",
        CUSTOM_ENV_CI_PROJECT_PATH_SLUG: "p",
        CUSTOM_ENV_CI_CONCURRENT_PROJECT_ID: "0",
      });
      const report = JSON.parse(run([...flags, "check", "--format=json", name]).stdout);
      const levels = report.findings.map(({ level }: { level: string }) => level);
      refusals += config.status === 0 ? 0 : 1;
      expect([lines, flags, levels.includes("error")]).toEqual([lines, flags, config.status !== 0]);
    }
  }
  expect(refusals).toBe(22);
});

test("the reports are complete JSON with paths from the working directory", () => {
  const name = file("report.toml", ...GENERAL, "kill_timout = '3s'");
  const [issue] = JSON.parse(run(["check", "--format=gitlab", `${fresh.path}/${name}`]).stdout);
  expect(issue).toMatchObject({
    check_name: "unknown",
    severity: "critical",
    location: { path: "report.toml", lines: { begin: 4 } },
  });
  const [again] = JSON.parse(run(["check", "--format=gitlab", `./${name}`]).stdout);
  expect(again.fingerprint).toBe(issue.fingerprint);
  const { version, runs } = JSON.parse(run(["check", "--format=sarif", name]).stdout);
  expect([version, runs.length]).toEqual(["2.1.0", 1]);
  expect(runs[0].results).toHaveLength(1);
  expect(runs[0].results[0]).toMatchObject({ ruleId: "unknown", level: "error" });
});

test("a secret of the file stays out of every format", () => {
  const name = file(
    "secret.toml",
    ...GENERAL,
    'user_bash_env = ["API=hidden-1", "1API=hidden-2", "hidden=x=", "=hidden-3"]',
    'jwt_token = "hidden-4"',
  );
  for (const format of ["text", "json", "sarif", "gitlab"]) {
    expect(run(["check", "--format", format, name]).stdout).not.toMatch(/hidden-/);
  }
});

test("colours on a terminal alone, and not with NO_COLOR", () => {
  const name = file("colour.toml", ...GENERAL, "typo = 1");
  const inTerminal = (env: Record<string, string>) => {
    const command = `'${binaryPath()}' check ${name}`;
    const { stdout } = Bun.spawnSync(["script", "-qec", command, "/dev/null"], {
      cwd: fresh.path,
      env: { HOME: fresh.path, PATH: "/usr/bin:/bin", TERM: "xterm", ...env },
      stdin: "ignore",
    });
    return stdout.toString();
  };
  expect(inTerminal({})).toContain("\u001b[31merror");
  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    const printed = inTerminal(env);
    expect(printed).toContain("error: ");
    expect(printed).not.toContain("\u001b");
  }
});

import { expect, test } from "bun:test";
import { formatProblem } from "./problem.ts";
import { validateSettings } from "./validate.ts";

/** The problems of a file that has all required keys in lines 1 to 3 and then these lines. */
async function problems(...lines: string[]): Promise<string[]> {
  const text = ["[general]", 'executor = "shell"', 'data_dir = "/d"', ...lines].join("\n");
  const result = await validateSettings(text, "f");
  return result.ok ? [] : result.problems.map(formatProblem);
}

const ALLOWLIST_EMPTY =
  'no pattern in the list; wanted patterns, or no such key to allow every image, or [".^"] to allow none';

test.each([
  [
    "kill_timeout = 10",
    '4:16: [general] kill_timeout: 10 (an integer) is not a duration; wanted a string such as "30s" or "2m"',
  ],
  [
    'kill_timeout = "10 secs"',
    '4:16: [general] kill_timeout: "10 secs" is not a duration; wanted a string such as "30s" or "2m"',
  ],
  [
    'kill_timeout = "-1s"',
    '4:16: [general] kill_timeout: "-1s" is not a duration from 0 up; wanted a string such as "30s" or "2m"',
  ],
  [
    "retain_logs = 'yes'",
    '4:15: [general] retain_logs: "yes" (a string) is not a boolean; wanted true or false',
  ],
  [
    "retain_logs = ''",
    '4:15: [general] retain_logs: "" (a string) is not a boolean; wanted true or false',
  ],
  [
    "run_mechanism = 'podmann'",
    '4:17: [general] run_mechanism: "podmann" is not a known value; wanted one of "charliecloud", "podman"; nearest is "podman"',
  ],
  [
    "run_mechanism = ['podman']",
    '4:17: [general] run_mechanism: a list is not a known value; wanted one of "charliecloud", "podman"',
  ],
  [
    "job_message = 1979-05-27",
    '4:15: [general] job_message: 1979-05-27 (a date) is not a string; wanted a string such as "Welcome to Example HPC"',
  ],
  [
    "job_message = nan",
    '4:15: [general] job_message: NaN (a float) is not a string; wanted a string such as "Welcome to Example HPC"',
  ],
  [
    "job_message = { a = 1 }",
    '4:15: [general] job_message: a table is not a string; wanted a string such as "Welcome to Example HPC"',
  ],
  [
    'job_message = "a\\u0000"',
    '4:15: [general] job_message: "a\\u0000" holds a NUL character; wanted a string such as "Welcome to Example HPC"',
  ],
  [
    "user_bash_env = 'A=1'",
    '4:17: [general] user_bash_env: the value (a string) is not a list; wanted a list of strings such as ["LMOD_ADMIN_FILE=none"]',
  ],
  [
    "user_bash_env = ['A=1', 2]",
    "4:25: [general] user_bash_env[1]: 2 (an integer) is not a string; wanted a string",
  ],
  [
    "user_bash_env = ['FOO']",
    '4:18: [general] user_bash_env[0]: "FOO" has no "="; wanted NAME=VALUE',
  ],
  [
    "user_bash_env = ['1A=x']",
    '4:18: [general] user_bash_env[0]: "1A" is not a name of a variable; wanted letters, digits and "_", no digit first',
  ],
  [
    "charliecloud = 3",
    "4:16: [general.charliecloud]: 3 (an integer) is not a table; wanted a [general.charliecloud] header",
  ],
  ["[[batch]]", "4:1: [batch]: a list is not a table; wanted a [batch] header"],
  [
    "charliecloud.image_allowlist = ['', 'ok', 'a(']",
    '4:43: [general.charliecloud] image_allowlist[2]: "a(" is not a regular expression (RE2): missing closing ): `a(`',
  ],
  [
    "charliecloud.image_allowlist = []",
    `4:32: [general.charliecloud] image_allowlist: ${ALLOWLIST_EMPTY}`,
  ],
  [
    "charliecloud.image_allowlist = ['']",
    `4:32: [general.charliecloud] image_allowlist: ${ALLOWLIST_EMPTY}`,
  ],
])("%s: one line", async (line, problem) => {
  expect(await problems(line)).toEqual([`f:${problem}`]);
});

test.each([
  ["exectuor = 1", '4:1: [general] exectuor: unknown key; nearest known key is "executor"'],
  [
    "Retain_Logs = 1",
    '4:1: [general] Retain_Logs: unknown key; nearest known key is "retain_logs"',
  ],
  ["nfs_timeout = 1", "4:1: [general] nfs_timeout: unknown key; it is a key of [batch]"],
  [
    "default_image = 'x'",
    "4:1: [general] default_image: unknown key; it is a key of [general.charliecloud] and [general.podman]",
  ],
  [
    "zzzzzzz = 1",
    "4:1: [general] zzzzzzz: unknown key; no key of [general] is called anything like it",
  ],
  [
    "__proto__ = 1",
    "4:1: [general] __proto__: unknown key; no key of [general] is called anything like it",
  ],
  [
    '"a.b\\n" = 1',
    '4:1: [general] "a.b\\n": unknown key; no key of [general] is called anything like it',
  ],
  ["[genral]", "4:1: [genral]: unknown table; nearest known table is [general]"],
  ["[charliecloud]", "4:1: [charliecloud]: unknown table; wanted [general.charliecloud]"],
  [
    "[general.charliecould]",
    "4:1: [general.charliecould]: unknown table; nearest known table is [general.charliecloud]",
  ],
  [
    "[monitoring]",
    "4:1: [monitoring]: unknown table; known are [general], [general.charliecloud], [general.charliecloud.cache], [[general.charliecloud.mirror]], [general.metrics], [general.log], [general.podman], [batch], [auth], [auth.logging], [auth.runas], [auth.seccomp], [auth.broker]",
  ],
])("%s: unknown", async (line, problem) => {
  expect(await problems(line)).toEqual([`f:${problem}`]);
});

test("a key above every table", async () => {
  const result = await validateSettings('executor = "shell"\nx = 1\n[general]\ndata_dir="/d"', "f");

  expect(!result.ok && result.problems.map(formatProblem).slice(0, 2)).toEqual([
    "f:1:1: executor: unknown key; it is a key of [general]",
    "f:2:1: x: unknown key; every key belongs in a table",
  ]);
});

test("all problems come at once and in the order of the lines", async () => {
  const found = await problems(
    "kill_timeout = 1",
    "nope = 1",
    "user_bash_env = ['A']",
    "[auth]",
    "downscope = 1",
    "[general.charliecloud]",
    "image_allowlist = ['(']",
    "runner_options = 1",
    "[batch]",
    "nfs_timeout = 5",
  );

  expect(found.map((line) => line.split(":")[1])).toEqual(["4", "5", "6", "8", "10", "11", "13"]);
});

test("values that may be secrets are not shown", async () => {
  const found = await problems(
    "user_bash_env = ['API_TOKEN glpat-1', '2X=hunter2']",
    "retain_logs = 'password=hunter2'",
    "secret_token = 'hunter2'",
    "job_message = { token = 'hunter2' }",
  );

  expect(found).toHaveLength(5);
  expect(found.join("\n")).not.toMatch(/hunter2|glpat/);
});

test("a long value is cut", async () => {
  const [line = ""] = await problems(`kill_timeout = "${"x".repeat(500)}"`);

  expect(line.length).toBeLessThan(200);
});

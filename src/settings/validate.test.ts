import { expect, test } from "bun:test";
import { formatProblem } from "./problem.ts";
import type { Settings } from "./settings.ts";
import { validateSettings } from "./validate.ts";

async function problems(...lines: string[]): Promise<string[]> {
  const result = await validateSettings(lines.join("\n"), "f");
  return result.ok ? [] : result.problems.map(formatProblem);
}

async function settingsOf(...lines: string[]): Promise<Settings> {
  const result = await validateSettings(lines.join("\n"), "/etc/f.toml");
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.settings;
}

const GENERAL = ["[general]", 'executor = "shell"', 'data_dir = "$HOME"'];

test("the shortest file gets every default", async () => {
  expect(await settingsOf(...GENERAL)).toEqual({
    general: {
      executor: "shell",
      data_dir: "$HOME",
      retain_logs: false,
      job_summary: true,
      custom_build_dir: false,
      group_permissions: false,
      kill_timeout: 120,
      force_mechanism: false,
      user_bash_env: [],
      unknown_keys: "error",
    },
    charliecloud: {
      runner_options: [],
      custom_options: [],
      step_script_only: false,
      disable_user_args: false,
      disable_convert: false,
      image_environment: true,
      offline: false,
      cache: {
        enabled: true,
        puller: "builtin",
        max_age: 2_592_000,
        min_free: { percent: 5 },
        shared: false,
      },
      mirrors: [],
    },
    metrics: {},
    log: { syslog: false },
    batch: {
      arguments_variable: ["SCHEDULER_PARAMETERS"],
      default_args: [],
      env_vars: [],
      allow_illegal_args: false,
      command_delay: 15,
      nfs_timeout: 60,
      impossible_after: 120,
    },
    auth: { present: false },
    inactive: [],
    file: "/etc/f.toml",
  });
});

test("every key arrives with its type", async () => {
  const settings = await settingsOf(
    "[general]",
    'executor = "sbatch"',
    'data_dir = "/data/$USER"',
    'kill_timeout = "1m30s"',
    'user_bash_env = ["A=b=c", "B="]',
    'run_mechanism = "charliecloud"',
    "[general.charliecloud]",
    "image_allowlist = ['^docker\\.io/', 'a|b']",
    'runner_pull_policy = "if-not-present"',
    "image_environment = false",
    "[batch]",
    'arguments_variable = ["SITE"]',
    'nfs_timeout = "2m"',
    'command_delay = "500ms"',
    'scheduler_bin = "/opt/slurm/bin"',
    'env_vars = ["A=$B"]',
    "allow_illegal_args = true",
    'default_args = ["--account=ci"]',
    'impossible_after = "0"',
    "[auth]",
    'downscope = "none"',
  );

  expect(settings.general).toMatchObject({
    executor: "slurm",
    kill_timeout: 90,
    user_bash_env: ["A=b=c", "B="],
    run_mechanism: "charliecloud",
  });
  expect(settings.charliecloud).toMatchObject({
    image_allowlist: ["^docker\\.io/", "a|b"],
    runner_pull_policy: "if-not-present",
    image_environment: false,
  });
  expect(settings.batch).toEqual({
    arguments_variable: ["SITE"],
    nfs_timeout: 120,
    command_delay: 0.5,
    scheduler_bin: "/opt/slurm/bin",
    env_vars: ["A=$B"],
    allow_illegal_args: true,
    default_args: ["--account=ci"],
    impossible_after: 0,
  });
  expect(settings.auth).toEqual({ present: true, downscope: "none" });
});

test.each([
  ["sbatch", "slurm"],
  ["bsub", "lsf"],
  ["qsub", "cobalt"],
  ["pbs", "pbs"],
  ["flux", "flux"],
])("executor %s means %s", async (written, meant) => {
  const settings = await settingsOf("[general]", `executor = "${written}"`, 'data_dir = "/d"');

  expect(settings.general.executor as string).toBe(meant);
});

test("empty strings count as unset, also in lists", async () => {
  const settings = await settingsOf(
    ...GENERAL,
    'job_message = ""',
    'kill_timeout = ""',
    'run_mechanism = ""',
    'user_bash_env = ["", "A=1"]',
    'gitlab_server = ""',
    "[batch]",
    'arguments_variable = [""]',
    "[auth]",
  );

  expect(settings.general).not.toHaveProperty("job_message");
  expect(settings.general).not.toHaveProperty("run_mechanism");
  expect(settings.general).toMatchObject({ kill_timeout: 120, user_bash_env: ["A=1"] });
  expect(settings.batch.arguments_variable).toEqual(["SCHEDULER_PARAMETERS"]);
  expect(settings.auth).toEqual({ present: true });
  expect(settings.inactive).toEqual([]);
});

test("keys without effect are listed in file order", async () => {
  const settings = await settingsOf(
    "[auth.seccomp]",
    "anything = { a = [1] }",
    ...GENERAL,
    "ff_new = true",
    'tls-ca-file = "/ca"',
    'static_builds_dir = "x"',
    "[auth]",
    'user_allowlist = ["a"]',
    "logging.enabled = true",
    "[general.podman]",
    'image_pull_policy = "always"',
  );

  expect(settings.inactive).toEqual([
    "auth.seccomp.anything",
    "general.ff_new",
    "general.tls-ca-file",
    "general.static_builds_dir",
    "auth.user_allowlist",
    "auth.logging.enabled",
    "general.podman.image_pull_policy",
  ]);
});

test("unknown_keys = warn turns unknown keys and tables into warnings, and nothing else", async () => {
  const text = [...GENERAL, 'unknown_keys = "warn"', "exectuor = 1", "[batsh]", "x = 1"].join("\n");

  const lenient = await validateSettings(text, "f");
  const wrong = await validateSettings(`${text}\n[auth]\ndownscope = 1\nnope = 1`, "f");

  expect(lenient.ok && lenient.warnings.map(formatProblem)).toEqual([
    'f:5:1: [general] exectuor: unknown key; nearest known key is "executor"',
    "f:6:1: [batsh]: unknown table; nearest known table is [batch]",
  ]);
  expect(!wrong.ok && wrong.problems.map(formatProblem)).toEqual([
    'f:9:13: [auth] downscope: 1 (an integer) is not a string; wanted a string such as "none"',
  ]);
});

test("required keys that are absent or empty are missing", async () => {
  const executors = '"shell", "slurm", "sbatch", "flux", "pbs", "lsf", "bsub", "cobalt", "qsub"';

  expect(await problems("")).toEqual([
    'f: [general] data_dir: missing; wanted a string such as "$HOME"',
    `f: [general] executor: missing; wanted one of ${executors}`,
  ]);
  expect(await problems("", "[general]", 'executor = "shell"', "  data_dir = ''")).toEqual([
    'f:4:3: [general] data_dir: missing; wanted a string such as "$HOME"',
  ]);
  expect(await problems("# x", "[general]", 'executor = "shell"')).toEqual([
    'f:2:1: [general] data_dir: missing; wanted a string such as "$HOME"',
  ]);
});

test("only the syntax error is reported where there is one", async () => {
  expect(await problems("[general]", "executor = shell")).toEqual([
    'f:2:12: TOML syntax error: invalid value; a string must stand in quotes, e.g. "shell"',
  ]);
});

import { expect, test } from "bun:test";
import { keyPath } from "../settings/key-path.ts";
import { findOption, findTable } from "../settings/option-lookup.ts";
import { tidy } from "../settings/tidy.ts";
import { parseToml } from "../settings/toml.ts";
import { EFFECTS, findIdleKeys, findOfflineWithoutMirror } from "./effects.ts";

function tablesOf(...lines: string[]) {
  const parsed = parseToml(lines.join("\n"));
  if (!parsed.ok) throw new Error(parsed.message);
  return { tables: tidy(parsed.document).tables };
}

function idle(...lines: string[]): [string, string][] {
  return findIdleKeys(tablesOf(...lines)).map(({ path, message }) => [keyPath(path), message]);
}

const CONTAINERS = ["[general]", 'executor = "slurm"', 'run_mechanism = "charliecloud"'];

test("the rows name keys and tables that exist", () => {
  for (const { table, keys = [], except = [] } of EFFECTS) {
    expect(findTable(table)).toBeDefined();
    for (const key of [...keys, ...except]) expect(findOption(table, key)?.state).toBe("active");
  }
});

test("without run_mechanism nothing about containers has an effect", () => {
  const found = idle(
    "[general]",
    "force_mechanism = true",
    "[general.charliecloud]",
    'default_image = "debian"',
    "step_script_only = true",
    "image_allowlist = ['a']",
    "[general.charliecloud.cache]",
    'max_size = "5GB"',
    "[[general.charliecloud.mirror]]",
    'registry = "docker.io"',
  );
  expect(found.map(([key]) => key)).toEqual([
    "general.force_mechanism",
    "general.charliecloud.default_image",
    "general.charliecloud.step_script_only",
    "general.charliecloud.image_allowlist",
    "general.charliecloud.cache.max_size",
    "general.charliecloud.mirror[0].registry",
  ]);
  expect(found[1]?.[1]).toBe(
    'has no effect: jobs run in containers only with run_mechanism = "charliecloud" in [general]',
  );
});

test.each([
  ["general.charliecloud.default_image", ["[general.charliecloud]", 'default_image = "debian"']],
  [
    "general.charliecloud.runner_options",
    ["[general.charliecloud]", 'runner_options = ["--verbose"]'],
  ],
  [
    "general.charliecloud.runner_pull_policy",
    ["[general.charliecloud]", 'runner_pull_policy = "never"'],
  ],
  [
    "general.charliecloud.cache.max_age",
    ["[general.charliecloud.cache]", "enabled = false", 'max_age = "1d"'],
  ],
  [
    "general.charliecloud.cache.min_free",
    [
      "[general.charliecloud]",
      "disable_convert = true",
      "[general.charliecloud.cache]",
      'min_free = "1%"',
    ],
  ],
])("%s has no effect without its partner", (key, lines) => {
  expect(idle(...CONTAINERS, ...lines).map(([found]) => found)).toEqual([key]);
});

test("[batch] has no effect with executor = shell, and only then", () => {
  const batch = ["[batch]", 'default_args = ["-N1"]', 'nfs_timeout = "3m"'];
  expect(idle("[general]", 'executor = "shell"', ...batch).map(([key]) => key)).toEqual([
    "batch.default_args",
    "batch.nfs_timeout",
  ]);
  expect(idle(...CONTAINERS, ...batch)).toEqual([]);
});

test("keys with their partners, defaults, unset keys and keys of upstream are no regret", () => {
  expect(
    idle(
      ...CONTAINERS,
      "force_mechanism = true",
      "[general.charliecloud]",
      'default_image = "debian"',
      'runner_image = "x"',
      'runner_options = ["--verbose"]',
      "[general.charliecloud.cache]",
      'max_size = "5GB"',
    ),
  ).toEqual([]);
  expect(
    idle(
      "[general]",
      'executor = "shell"',
      "force_mechanism = false",
      "[general.charliecloud]",
      'default_image = ""',
      'custom_options = [""]',
      "step_script_only = false",
      "[batch]",
      'command_delay = "15s"',
      "env_keep = ['A']",
    ),
  ).toEqual([]);
});

test("offline without a mirror is found", () => {
  const offline = ["[general.charliecloud]", "offline = true"];
  expect(findOfflineWithoutMirror(tablesOf(...offline))).toHaveLength(1);
  expect(findOfflineWithoutMirror(tablesOf(...offline, "[[general.charliecloud.mirror]]"))).toEqual(
    [],
  );
  expect(findOfflineWithoutMirror(tablesOf("[general]"))).toEqual([]);
});

import { expect, test } from "bun:test";
import { formatProblem } from "./problem.ts";
import type { CharliecloudSettings } from "./settings.ts";
import { validateSettings } from "./validate.ts";

/** A file that has all required keys in lines 1 to 3 and then these lines. */
async function validated(lines: readonly string[]) {
  const text = ["[general]", 'executor = "shell"', 'data_dir = "/d"', ...lines].join("\n");
  return validateSettings(text, "f");
}

async function problems(...lines: string[]): Promise<string[]> {
  const result = await validated(lines);
  return result.ok ? [] : result.problems.map(formatProblem);
}

async function settingsOf(...lines: string[]): Promise<CharliecloudSettings> {
  const result = await validated(lines);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.settings.charliecloud;
}

const CACHE = "[general.charliecloud.cache]";
const MIRROR = "[[general.charliecloud.mirror]]";
const NO_POLICY =
  'no policy in the list; wanted "always", "if-not-present" or "never", or no such key to allow every policy';
const PREFIX = 'wanted host[:port][/path], such as "registry.example.org/hub"';

test("every key of the cache arrives with its type", async () => {
  const { cache } = await settingsOf(
    CACHE,
    "enabled = false",
    'puller = "ch-image"',
    'dir = "$HOME/images"',
    'max_size = "50GB"',
    'max_age = "1d12h"',
    'min_free = "20GiB"',
    "shared = true",
  );

  expect(cache).toEqual({
    enabled: false,
    puller: "ch-image",
    dir: "$HOME/images",
    max_size: 50e9,
    max_age: 129_600,
    min_free: { bytes: 20 * 2 ** 30 },
    shared: true,
  });
});

test("empty strings of the cache count as unset, a part of the file system as a percentage", async () => {
  const { cache } = await settingsOf(
    CACHE,
    'dir = ""',
    'max_size = ""',
    'max_age = ""',
    'min_free = "12.5%"',
  );

  expect(cache).toEqual({
    enabled: true,
    puller: "builtin",
    max_age: 2_592_000,
    min_free: { percent: 12.5 },
    shared: false,
  });
});

test("mirrors arrive in the order of the file, however they are written", async () => {
  const hub = { registry: "docker.io", mirror: "registry.example:5000/hub" };
  const quay = { registry: "quay.example/group", mirror: "m.example" };

  expect((await settingsOf(MIRROR, ...keys(hub), MIRROR, ...keys(quay))).mirrors).toEqual([
    hub,
    quay,
  ]);
  expect(
    await settingsOf(
      "[general.charliecloud]",
      "offline = true",
      `mirror = [{ ${keys(quay).join(", ")} }, { ${keys(hub).join(", ")} }]`,
      'allowed_pull_policies = ["never", "", "always"]',
    ),
  ).toMatchObject({
    offline: true,
    mirrors: [quay, hub],
    allowed_pull_policies: ["never", "always"],
  });
});

function keys(mirror: { readonly registry: string; readonly mirror: string }): string[] {
  return Object.entries(mirror).map(([key, value]) => `${key} = "${value}"`);
}

test.each([
  [
    "max_size = 5",
    '5:12: _ max_size: 5 (an integer) is not a size; wanted a string such as "50GB" or "20GiB"',
  ],
  [
    'max_size = "5G"',
    '5:12: _ max_size: "5G" is not a size; wanted a string such as "50GB" or "20GiB"',
  ],
  [
    'max_size = "5%"',
    '5:12: _ max_size: "5%" is not a size; wanted a string such as "50GB" or "20GiB"',
  ],
  [
    'min_free = "200%"',
    '5:12: _ min_free: "200%" is not a size or a percentage; wanted a string such as "50GB" or "5%"',
  ],
  [
    'max_age = "month"',
    '5:11: _ max_age: "month" is not an age; wanted a string such as "30d" or "12h"',
  ],
  [
    'puller = "builtn"',
    '5:10: _ puller: "builtn" is not a known value; wanted one of "builtin", "ch-image"; nearest is "builtin"',
  ],
  ["enabled = 1", "5:11: _ enabled: 1 (an integer) is not a boolean; wanted true or false"],
  [
    'directory = "/x"',
    "5:1: _ directory: unknown key; no key of [general.charliecloud.cache] is called anything like it",
  ],
  ["maxsize = 1", '5:1: _ maxsize: unknown key; nearest known key is "max_size"'],
  [
    'dir = "images"',
    '5:7: _ dir: "images" is relative; wanted an absolute path, or one that begins with $HOME or ~',
  ],
  [
    'dir = "$USER/x"',
    '5:7: _ dir: "$USER/x" is relative; wanted an absolute path, or one that begins with $HOME or ~',
  ],
  [
    'dir = "~bob/x"',
    '5:7: _ dir: "~bob/x" is relative; wanted an absolute path, or one that begins with $HOME or ~',
  ],
  [
    'dir = "/a:b"',
    '5:7: _ dir: "/a:b" contains a colon or a control character, which ch-run cannot bind; wanted a path without them',
  ],
  [
    "shared = true",
    "5:10: _ shared: true needs a directory that others use too; wanted dir in [general.charliecloud.cache] as well",
  ],
])("[general.charliecloud.cache] %s: one line", async (line, problem) => {
  expect(await problems(CACHE, line)).toEqual([`f:${problem.replace("_", CACHE)}`]);
});

test.each(["$HOME/x", "${HOME}", "~", "~/x", "/scratch/$USER"])(
  "a dir of %s is accepted",
  async (dir) => {
    expect((await settingsOf(CACHE, `dir = "${dir}"`)).cache.dir).toBe(dir);
  },
);

test.each([
  [
    "",
    '4:1: _ mirror: missing; wanted a string such as "registry.example.org/hub"\n4:1: _ registry: missing; wanted a string such as "docker.io"',
  ],
  [
    'registry = "docker.io"\nmirror = ""',
    '6:1: _ mirror: missing; wanted a string such as "registry.example.org/hub"',
  ],
  [
    'registry = 1\nmirror = "m.example"',
    '5:12: _ registry: 1 (an integer) is not a string; wanted a string such as "docker.io"',
  ],
  [
    'registry = "docker.io"\nmirror = "https://m.example"',
    `6:10: _ mirror: "https://m.example" has a scheme; ${PREFIX}`,
  ],
  [
    'registry = "docker.io"\nmirror = "m.example /x"',
    `6:10: _ mirror: "m.example /x" contains a space; ${PREFIX}`,
  ],
  [
    'registry = "docker.io"\nmirror = "m.example/"',
    `6:10: _ mirror: "m.example/" ends with a slash; ${PREFIX}`,
  ],
  [
    'registry = "docker.io"\nmirror = "m.example/X"',
    `6:10: _ mirror: "m.example/X" is not a registry; ${PREFIX}`,
  ],
  [
    'registry = "docker.io"\nmirror = "m.example:70000x"',
    `6:10: _ mirror: "m.example:70000x" is not a registry; ${PREFIX}`,
  ],
  [
    'registry = "hub"\nmirror = "m.example"',
    `5:12: _ registry: "hub" begins with a name that has neither a dot nor a port, which is no host in an image name; ${PREFIX}`,
  ],
  [
    'registry = "docker.io"\nmirror = "m.example"\nmirrors = 1',
    '7:1: _ mirrors: unknown key; nearest known key is "mirror"',
  ],
])("[[general.charliecloud.mirror]] %p", async (lines, found) => {
  const wanted = found.split("\n").map((problem) => `f:${problem.replace("_", MIRROR)}`);

  expect(await problems(MIRROR, ...lines.split("\n"))).toEqual(wanted);
});

test("a registry may have one mirror, by whatever name; the second one is reported", async () => {
  const first = ["registry = 'docker.io'", "mirror = 'a.example'"];

  for (const name of ["docker.io", "Docker.IO", "index.docker.io", "registry-1.docker.io"]) {
    expect(
      await problems(MIRROR, ...first, MIRROR, `registry = '${name}'`, "mirror = 'b.example'"),
    ).toEqual([
      `f:8:12: ${MIRROR} registry: ${JSON.stringify(name)} has a mirror already; wanted each registry once`,
    ]);
  }
  expect(
    await problems(MIRROR, ...first, MIRROR, "registry = 'docker.io/x'", "mirror = 'b.example'"),
  ).toEqual([]);
});

test.each([
  [
    "[general.charliecloud.mirror]",
    `4:1: ${MIRROR}: a table is not a list of tables; wanted a ${MIRROR} header`,
  ],
  [
    "charliecloud.mirror = 'x'",
    `4:23: ${MIRROR}: "x" (a string) is not a list of tables; wanted a ${MIRROR} header`,
  ],
  [
    "charliecloud.mirror = [1]",
    `4:24: ${MIRROR}: 1 (an integer) is not a table; wanted a ${MIRROR} header`,
  ],
  [
    "[[general.charliecloud.cache]]",
    `4:1: ${CACHE}: a list is not a table; wanted a ${CACHE} header`,
  ],
  [
    "[[general.charliecloud.mirrors]]",
    `4:1: [general.charliecloud.mirrors]: unknown table; nearest known table is ${MIRROR}`,
  ],
])("%s: the wrong kind of table", async (line, problem) => {
  expect(await problems(line)).toEqual([`f:${problem}`]);
});

test.each([
  [
    "allowed_pull_policies = 'never'",
    '5:25: _ allowed_pull_policies: "never" (a string) is not a list; wanted a list of strings such as ["always", "if-not-present"]',
  ],
  [
    "allowed_pull_policies = ['never', 'allways']",
    '5:35: _ allowed_pull_policies[1]: "allways" is not a known value; wanted one of "always", "if-not-present", "never"; nearest is "always"',
  ],
  [
    "allowed_pull_policies = ['alway']\nrunner_pull_policy = 'always'",
    '5:26: _ allowed_pull_policies[0]: "alway" is not a known value; wanted one of "always", "if-not-present", "never"; nearest is "always"',
  ],
  ["allowed_pull_policies = []", `5:25: _ allowed_pull_policies: ${NO_POLICY}`],
  ["allowed_pull_policies = ['']", `5:25: _ allowed_pull_policies: ${NO_POLICY}`],
  [
    "allowed_pull_policies = ['always', 'never']\nrunner_pull_policy = 'if-not-present'",
    '6:22: _ runner_pull_policy: "if-not-present" is not in allowed_pull_policies; wanted one of "always", "never"',
  ],
])("[general.charliecloud] %p", async (lines, problem) => {
  expect(await problems("[general.charliecloud]", ...lines.split("\n"))).toEqual([
    `f:${problem.replace("_", "[general.charliecloud]")}`,
  ]);
});

test("unknown_keys = warn holds within an array of tables", async () => {
  const result = await validated([
    'unknown_keys = "warn"',
    MIRROR,
    'registry = "docker.io"',
    'mirror = "m.example"',
    "nope = 1",
  ]);

  expect(result.ok && result.settings.charliecloud.mirrors).toEqual([
    { registry: "docker.io", mirror: "m.example" },
  ]);
  expect(result.ok && result.warnings.map(formatProblem)).toEqual([
    `f:8:1: ${MIRROR} nope: unknown key; no key of ${MIRROR} is called anything like it`,
  ]);
});

import { expect, test } from "bun:test";
import { keyPath } from "../settings/key-path.ts";
import { formatProblem } from "../settings/problem.ts";
import { validateSettings } from "../settings/validate.ts";
import { findConfigRefusals, findLaterRefusals } from "./refusals.ts";

async function ask(find: typeof findConfigRefusals, lines: readonly string[], noAuth = false) {
  const result = await validateSettings(lines.join("\n"), "/f");
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  const account = { name: "ann", home: "/home/ann", uid: 1000 };
  return find({ settings: result.settings, noAuth, account }).map(({ path, level }) => [
    keyPath(path),
    level,
  ]);
}

const site = (executor: string, dataDir: string) => [
  "[general]",
  `executor = "${executor}"`,
  `data_dir = "${dataDir}"`,
];

test("config's refusals are errors, with the keys to change", async () => {
  const lines = [...site("cobalt", "data"), "[auth]"];
  const executor = ["general.executor", "error"];
  const dataDir = ["general.data_dir", "error"];
  expect(await ask(findConfigRefusals, lines)).toEqual([
    executor,
    ["auth.downscope", "error"],
    dataDir,
  ]);
  expect(await ask(findConfigRefusals, lines, true)).toEqual([executor, dataDir]);
  expect(await ask(findConfigRefusals, site("shell", "$HOME"))).toEqual([]);
});

test("prepare's refusals are regrets, with the keys to change", async () => {
  expect(
    await ask(findLaterRefusals, [
      ...site("slurm", "$HOME"),
      'run_mechanism = "charliecloud"',
      "[general.charliecloud]",
      'custom_options = ["--bind"]',
      'runner_image = "Not An Image"',
      'runner_options = ["debian"]',
      'image_storage_dir = "images"',
      "[batch]",
      'default_args = ["--output=x"]',
    ]),
  ).toEqual([
    ["batch.default_args", undefined],
    ["general.charliecloud.custom_options", undefined],
    ["general.charliecloud.runner_options", undefined],
    ["general.charliecloud.runner_image", undefined],
    ["general.charliecloud.image_storage_dir", undefined],
  ]);
  const noRegistry = 'user_bash_env = ["CH_REGY_DEFAULT_HOST=https://registry.example"]';
  expect(
    await ask(findLaterRefusals, [
      ...site("shell", "$HOME"),
      noRegistry,
      'run_mechanism = "charliecloud"',
    ]),
  ).toEqual([["general.user_bash_env", undefined]]);
  const podman = [...site("shell", "$HOME"), 'run_mechanism = "podman"'];
  expect(await ask(findConfigRefusals, podman)).toEqual([["general.run_mechanism", "error"]]);
  expect(await ask(findLaterRefusals, podman)).toEqual([]);
  const images = [...site("shell", "$HOME"), 'run_mechanism = "charliecloud"'];
  expect(
    await ask(findLaterRefusals, [
      ...images,
      "[general.charliecloud]",
      "disable_convert = true",
      "[[general.charliecloud.mirror]]",
      'registry = "docker.io"',
      'mirror = "r.example/hub"',
    ]),
  ).toEqual([["general.charliecloud.disable_convert", undefined]]);
  expect(
    await ask(findLaterRefusals, [
      ...images,
      "[general.charliecloud]",
      "offline = true",
      "[general.charliecloud.cache]",
      "enabled = false",
      'dir = "/proc/x"',
    ]),
  ).toEqual([["general.charliecloud.cache.enabled", undefined]]);
  expect(
    await ask(findLaterRefusals, [...images, "[general.charliecloud.cache]", 'dir = "/proc/x"']),
  ).toEqual([["general.charliecloud.cache.dir", undefined]]);
  expect(await ask(findLaterRefusals, site("flux", "$HOME"))).toEqual([]);
});

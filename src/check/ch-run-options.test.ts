import { expect, test } from "bun:test";
import { keyPath } from "../settings/key-path.ts";
import { findUnknownOptions } from "./ch-run-options.ts";
import type { ChRunAnswer } from "./finding.ts";

const KNOWN: ChRunAnswer = {
  known: true,
  path: "/usr/bin/ch-run",
  version: "0.31",
  help: { long: new Set(["bind", "verbose"]), short: new Map([["b", true]]) },
};

function ask(options: Record<string, unknown>, chRun: ChRunAnswer, mechanism = "charliecloud") {
  const tables = new Map([
    ["general", { run_mechanism: mechanism }],
    ["general.charliecloud", options],
  ]);
  const host = { kindOf: () => "missing" as const, chRun };
  return findUnknownOptions({ tables, host }).map(({ path, message, level }) => [
    keyPath(path),
    message,
    level ?? "warning",
  ]);
}

test("each unknown option is named with the ch-run that does not know it", () => {
  const options = {
    custom_options: ["--bind=/a --write-fake", "-b/x", "-W"],
    runner_options: ["--verb"],
  };
  expect(ask(options, KNOWN)).toEqual([
    [
      "general.charliecloud.custom_options[0]",
      "--write-fake is not an option of ch-run 0.31 (/usr/bin/ch-run)",
      "warning",
    ],
    [
      "general.charliecloud.custom_options[2]",
      "-W is not an option of ch-run 0.31 (/usr/bin/ch-run)",
      "warning",
    ],
  ]);
});

test("it is said when ch-run could not be asked, and only where there are options", () => {
  const answer: ChRunAnswer = { known: false, because: "ch-run was not found in PATH" };
  expect(ask({ custom_options: ["--x"], runner_options: [] }, answer)).toEqual([
    [
      "general.charliecloud.custom_options",
      "these options could not be compared with those of ch-run: ch-run was not found in PATH",
      "info",
    ],
  ]);
});

test("words that the driver refuses itself, and files without containers, are passed over", () => {
  expect(ask({ custom_options: ["'open", "word", "--", "--quiet"] }, KNOWN)).toEqual([]);
  expect(ask({ custom_options: ["--nothing"] }, KNOWN, "podman")).toEqual([]);
});

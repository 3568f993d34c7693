import { expect, test } from "bun:test";
import { exampleLine, explainOption, explainTable, findNamed, fullName } from "./option-help.ts";
import { findTable, headerOf } from "./option-lookup.ts";
import { OPTIONS, type Option } from "./options.ts";
import { validateSettings } from "./validate.ts";

const names = (word: string) => {
  const named = findNamed(word);
  if (named.kind === "keys") return named.options.map(fullName);
  return named.kind === "table" ? named.table.path : named.nearest;
};

test("a key is found by its own name, its full name, and as messages write it", () => {
  for (const word of ["kill_timeout", "general.kill_timeout", "[general] kill_timeout"])
    expect([word, names(word)]).toEqual([word, ["general.kill_timeout"]]);
  for (const word of ["mirror.registry", "general.charliecloud.mirror[2].registry"])
    expect([word, names(word)]).toEqual([word, ["general.charliecloud.mirror.registry"]]);
  expect(names("step_script_only")).toEqual([
    "general.charliecloud.step_script_only",
    "general.podman.step_script_only",
  ]);
  expect(names("batch.ff_anything")).toEqual(["batch.ff_*"]);
});

test("a table is found with and without brackets, and by its last name where no key has it", () => {
  for (const word of ["[batch]", "batch"]) expect([word, names(word)]).toEqual([word, "batch"]);
  expect(names("[[general.charliecloud.mirror]]")).toBe("general.charliecloud.mirror");
  expect(names("charliecloud")).toBe("general.charliecloud");
  expect(names("charliecloud.cache")).toBe("general.charliecloud.cache");
});

test("the nearest keys and tables, the most similar first, or none", () => {
  expect(names("kil_timeout")).toEqual(["general.kill_timeout", "batch.nfs_timeout"]);
  expect(names("general.Kill_Timout")).toEqual(["general.kill_timeout"]);
  expect(names("bacth")).toContain("batch");
  expect(names("xyzzyqq")).toEqual([]);
  expect(names("")).toEqual([]);
});

test("a key is explained with table, type, default, meaning and example", () => {
  const [option] = OPTIONS.filter(({ key }) => key === "max_age");
  expect(option && explainOption(option)).toBe(`general.charliecloud.cache.max_age

  Remove images not used for so long; 0: however long.

  table    [general.charliecloud.cache]
  type     duration, also in days (30d)
  default  "30d"

Example

  [general.charliecloud.cache]
  max_age = "90d"`);
});

test("a table is explained with its keys", () => {
  const table = findTable("auth.logging");
  expect(table && explainTable(table).split("\n")).toEqual([
    "[auth.logging]",
    "",
    "  Log of the authorization.",
    "",
    "  Accepted, without effect in this version: enabled, level, location, network, address. Any key is accepted here.",
  ]);
});

test("every key that has an effect has an example, and the configuration takes it", async () => {
  const active = OPTIONS.filter(({ state }) => state === "active");
  const refused: string[] = [];
  for (const option of active) {
    const problems = await problemsWith(option);
    if (problems.length > 0) refused.push(`${fullName(option)}: ${problems.join("; ")}`);
  }
  expect(active.length).toBeGreaterThan(40);
  expect(refused).toEqual([]);
});

/** Keys that mean nothing without another one of their table. */
const COMPANIONS: Readonly<Record<string, string>> = { shared: "dir" };

/** What reading says to a file with the key's example and what must be there besides. */
async function problemsWith(option: Option): Promise<readonly string[]> {
  const example = exampleLine(option);
  if (example === undefined) return ["no example"];
  const required = OPTIONS.filter(
    ({ table, key, required: must }) =>
      (must && (table === "general" || table === option.table)) || COMPANIONS[option.key] === key,
  ).filter((other) => other !== option);
  const lines = [...required, option].map((one) => ({
    header: headerOf(findTable(one.table) ?? { path: one.table }),
    line: exampleLine(one) ?? "",
  }));
  const headers = [...new Set(lines.map(({ header }) => header))];
  const toml = headers
    .flatMap((header) => [
      header,
      ...lines.filter((one) => one.header === header).map(({ line }) => line),
    ])
    .join("\n");
  const result = await validateSettings(toml, "jacamar.toml");
  return result.ok ? [] : result.problems.map(({ message }) => message);
}

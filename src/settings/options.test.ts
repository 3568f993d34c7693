import { describe, expect, test } from "bun:test";
import { findOption, findTable, optionsOf, subTablesOf, tableDepth } from "./option-lookup.ts";
import { OPTIONS, type Option, TABLES } from "./options.ts";
import { findTextType } from "./text-types.ts";

function name(option: Option): string {
  return `[${option.table}] ${option.key}`;
}

describe("the option table", () => {
  test("names each key once", () => {
    expect(new Set(OPTIONS.map(name)).size).toBe(OPTIONS.length);
  });

  test("places each key in a known table", () => {
    expect(OPTIONS.filter((option) => findTable(option.table) === undefined)).toEqual([]);
  });

  test("says what each key means, in one line and a sentence", () => {
    const unclear = OPTIONS.filter(({ meaning }) => !/^[^\n]{5,100}[.…]$/.test(meaning));

    expect(unclear.map(name)).toEqual([]);
  });

  test("has defaults of the right type", () => {
    const wrong = OPTIONS.filter(({ type, default: held }) => {
      if (held === undefined) return false;
      if (typeof type === "object") {
        return "listOf" in type || !type.enum.includes(String(held));
      }
      if (type === "string[]") return !Array.isArray(held);
      const textType = findTextType(type);
      if (textType !== undefined) return textType.parse(String(held)) === undefined;
      return typeof held !== type;
    });

    expect(wrong.map(name)).toEqual([]);
  });

  test("gives every active boolean a default", () => {
    const unset = OPTIONS.filter(
      ({ state, type, default: held }) =>
        state === "active" && type === "boolean" && held === undefined,
    );

    expect(unset.map(name)).toEqual([]);
  });

  test("requires executor and data_dir, both keys of a mirror, and nothing else", () => {
    expect(OPTIONS.filter((option) => option.required).map(name)).toEqual([
      "[general] executor",
      "[general] data_dir",
      "[general.charliecloud.mirror] registry",
      "[general.charliecloud.mirror] mirror",
    ]);
  });

  test("has thirteen keys of upstream for Charliecloud and three of ours, all active", () => {
    const options = optionsOf("general.charliecloud");

    expect(options).toHaveLength(16);
    expect(options.every((option) => option.state === "active")).toBe(true);
  });
});

describe("look-up", () => {
  test("finds a key, and the family of a key", () => {
    expect(findOption("general", "executor")?.required).toBe(true);
    expect(findOption("general", "ff_anything")?.key).toBe("ff_*");
    expect(findOption("general.podman", "image_pull_policy")?.key).toBe("*pull_policy");
    expect(findOption("general", "xff_a")).toBeUndefined();
    expect(findOption("auth", "executor")).toBeUndefined();
    expect(findOption("general.charliecloud.mirror[3]", "mirror")?.required).toBe(true);
  });

  test("knows sub-tables and how deep a path goes into tables", () => {
    expect(subTablesOf("")).toEqual(["general", "batch", "auth"]);
    expect(subTablesOf("general")).toEqual(["charliecloud", "metrics", "log", "podman"]);
    expect(subTablesOf("general.charliecloud")).toEqual(["cache", "mirror"]);
    expect(subTablesOf("batch")).toEqual([]);
    expect(tableDepth(["general", "charliecloud", "runner_options", 1])).toBe(2);
    expect(tableDepth(["nothing"])).toBe(0);
    expect(tableDepth(["general", "charliecloud", "mirror", 1, "registry"])).toBe(4);
    expect(tableDepth(["general", "charliecloud", "cache", 0, "dir"])).toBe(3);
  });

  test("lists a table before its sub-tables", () => {
    const paths = TABLES.map((table) => table.path);

    for (const path of paths.filter((candidate) => candidate.includes("."))) {
      const parent = path.slice(0, path.lastIndexOf("."));
      expect(paths.indexOf(parent)).toBeLessThan(paths.indexOf(path));
    }
  });
});

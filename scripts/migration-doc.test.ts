/** Holds docs/migration.md to the option table, the command line and the messages of the driver. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { findOption, headerOf } from "../src/settings/option-lookup.ts";
import { OPTIONS, type Option, TABLES } from "../src/settings/options.ts";
import { startDriver } from "../test/fixtures/command-line.ts";
import { readSources } from "./layers.ts";
import { codeIn, tableRows } from "./page-tables.ts";

const ROOT = resolve(import.meta.dir, "..");
const page = readFileSync(`${ROOT}/docs/migration.md`, "utf8");
const sources = readSources(ROOT);

const ACTED_ON = ["same", "differs", "new"];

interface Row {
  readonly name: string;
  readonly state: string;
}

const headers = new Map(TABLES.map((table) => [headerOf(table), table.path]));
const keyRows = rowsOf((heading) => headers.get(heading)).map(({ heading, ...row }) => ({
  ...row,
  table: headers.get(heading) ?? "",
}));

function rowsOf(wanted: (heading: string) => unknown): (Row & { readonly heading: string })[] {
  return tableRows(page)
    .filter(({ heading }) => wanted(heading) !== undefined && wanted(heading) !== false)
    .flatMap(({ heading, cells: [names = "", state = ""] }) =>
      codeIn(names).map((name) => ({ heading, name, state })),
    );
}

const title = ({ table, key }: Pick<Option, "table" | "key">) => `[${table}] ${key}`;

let dir = "";
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-migration-");
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Found {
  readonly level: string;
  readonly key?: string;
  readonly message: string;
}

async function check(name: string, toml: string, flags: readonly string[]): Promise<Found[]> {
  const file = `${dir}/${name}.toml`;
  writeFileSync(file, toml);
  const words = [...flags, "check", "--format", "json", file];
  const { stdout } = await startDriver(words, { PATH: "/usr/bin:/bin", HOME: dir });
  return JSON.parse(stdout).findings;
}

describe("the page's keys", () => {
  test("are all keys of the option table, once each, in its tables", () => {
    const shown = keyRows.filter(({ state }) => state !== "unknown here");

    expect(shown.map(({ table, name }) => title({ table, key: name })).sort()).toEqual(
      OPTIONS.map(title).sort(),
    );
  });

  test("have the state that the option table gives them", () => {
    const wrong = keyRows.filter(({ table, name, state }) => {
      const key = title({ table, key: name });
      const option = OPTIONS.find((one) => title(one) === key);
      if (option === undefined) return state !== "unknown here" || findOption(table, name);
      return option.state === "accepted" ? state !== "not acted on" : !ACTED_ON.includes(state);
    });

    expect(wrong).toEqual([]);
  });

  test("exist where the text names one with its table", () => {
    const named = [...page.matchAll(/`\[+([\w.]+)\]+ ([\w-]+)/g)];

    expect(named).not.toBeEmpty();
    for (const [text, table = "", key = ""] of named) {
      expect({ text, known: findOption(table, key) !== undefined }).toEqual({ text, known: true });
    }
  });

  test("in a file with every key of Jacamar CI: no error, and those not acted on are listed", async () => {
    const upstream = keyRows.filter(({ state }) => !["new", "unknown here"].includes(state));
    const found = await check("every-key", tomlOf(upstream), ["--no-auth"]);
    const listed = found.filter(({ level }) => level === "info").map(({ key }) => key);
    const idle = upstream.filter(({ state }) => state === "not acted on");

    expect(found.filter(({ level }) => level === "error")).toEqual([]);
    expect(listed.sort()).toEqual(idle.map(({ table, name }) => `${table}.${plain(name)}`).sort());
  });
});

/** Families get one of their members. */
const plain = (key: string) => key.replace("*", "x");

function tomlOf(rows: readonly { readonly table: string; readonly name: string }[]): string {
  return TABLES.map(({ path }) => {
    const lines = rows
      .filter(({ table }) => table === path)
      .map(({ name }) => `${plain(name)} = ${sample(path, name)}`);
    return lines.length === 0 ? "" : [`[${path}]`, ...lines].join("\n");
  }).join("\n");
}

function sample(table: string, key: string): string {
  const type = findOption(table, plain(key))?.type;
  if (key === "data_dir") return '"$HOME"';
  if (typeof type === "object")
    return JSON.stringify(("enum" in type ? type.enum : type.listOf)[0]);
  if (type === "boolean") return "true";
  if (type === "duration") return '"30s"';
  return type === "string[]" ? '["A=b"]' : '"x"';
}

test("the values that the page calls refused are, with that message", async () => {
  const rows = tableRows(page).filter(({ heading }) => heading === "Values that are refused");
  expect(rows).toHaveLength(3);
  for (const [index, { cells }] of rows.entries()) {
    const [value = "", message = ""] = cells;
    const [, table = "", key = "", text = ""] = /^`\[([\w.]+)\] (\w+) = (.*)`$/.exec(value) ?? [];
    const tables: Record<string, Record<string, string>> = {
      general: { executor: '"shell"', data_dir: '"$HOME"' },
    };
    tables[table] = { ...tables[table], [key]: text };
    const toml = Object.entries(tables).map(([name, keys]) =>
      [`[${name}]`, ...Object.entries(keys).map(([name, held]) => `${name} = ${held}`)].join("\n"),
    );
    const found = await check(`refused-${index}`, toml.join("\n"), []);

    expect(found.map((finding) => finding.message)).toContain(message);
  }
});

test("the commands and flags are there, or not, as the page says", async () => {
  const rows = rowsOf((heading) => heading === "Commands and flags");
  const env = { PATH: "/usr/bin:/bin", HOME: dir };
  const help = (await startDriver(["--help"], env)).stdout;
  const there = new Set(help.match(/(?<![\w-])--?[a-z][\w-]*|(?<=^ +)[a-z]+(?= )/gm));

  expect(rows.length).toBeGreaterThan(12);
  for (const { name, state } of rows) {
    expect({ name, there: there.has(name) }).toEqual({ name, there: state !== "not there" });
  }
});

test("the driver's source names the environment variables that the page calls read or set, and no other", () => {
  const rows = rowsOf((heading) => heading === "Environment variables");
  const text = [...sources]
    .filter(([file]) => !file.startsWith("src/runner/") && !file.includes("options-accepted"))
    .map(([, source]) => source)
    .join("\n");

  expect(rows.length).toBeGreaterThan(12);
  for (const { name, state } of rows) {
    expect({ name, named: text.includes(name) }).toEqual({ name, named: state !== "not read" });
  }
});

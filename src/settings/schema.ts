import "./arktype-config.ts";
import { type } from "arktype";
import { stepsOf } from "./key-path.ts";
import type { Mistake } from "./mistake.ts";
import { familyPattern, findOption, findTable, isFamily, optionsOf } from "./option-lookup.ts";
import type { Option, OptionType } from "./option-types.ts";
import { findTextType, type TextType } from "./text-types.ts";
import { isTable, type Tables } from "./tidy.ts";
import type { TomlTable } from "./toml.ts";

/** Validated tables (durations are seconds, sizes bytes) by dotted path, or everything that is wrong with their shape. */
export type CheckedShape =
  | { readonly ok: true; readonly tables: Tables }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** Checks tables against the option table; all mistakes at once. Defaults are not filled in. */
export function checkShape(tables: Tables): CheckedShape {
  const checked = new Map<string, TomlTable>();
  const mistakes: Mistake[] = [];
  for (const path of tablesToCheck(tables)) {
    const table = tables.get(path) ?? {};
    const result: unknown = tableType(path, Object.keys(table))(table);
    if (result instanceof type.errors) {
      for (const error of result) mistakes.push(mistakeAt(path, table, error.path));
    } else {
      checked.set(path, result as TomlTable);
    }
  }
  return mistakes.length === 0 ? { ok: true, tables: checked } : { ok: false, mistakes };
}

// A type is made only for a table that has something to check: making them all would take longer than the rest of
// reading the file.
function tablesToCheck(tables: Tables): Set<string> {
  // An element of an array may lack a required key, also when it is empty.
  const filled = [...tables].filter(
    ([path, table]) => Object.keys(table).length > 0 || findTable(path)?.isArray,
  );
  return new Set(["general", ...filled.map(([path]) => path)]);
}

// What kind of mistake it is follows from path and value; arktype's own words are not needed.
function mistakeAt(tablePath: string, table: TomlTable, where: readonly PropertyKey[]): Mistake {
  const steps = where.filter((step) => typeof step !== "symbol");
  const path = [...stepsOf(tablePath), ...steps];
  const [key = "", index] = steps;
  const held = table[key];
  const value = typeof index === "number" && Array.isArray(held) ? held[index] : held;
  if (findOption(tablePath, String(key)) === undefined) {
    return { kind: "unknown", path, isTable: isTable(value) || isTables(value) };
  }
  return value === undefined ? { kind: "missing", path } : { kind: "wrong-value", path, value };
}

function isTables(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}

function tableType(table: string, keys: readonly string[]) {
  const definition: Record<string, unknown> = {
    "+": findTable(table)?.open ? "ignore" : "reject",
  };
  for (const option of optionsInPlay(table, keys)) {
    definition[keyDefinition(option)] = valueType(option.type);
  }
  return type.raw(definition);
}

// An optional key that is absent changes nothing, and each key of a type takes arktype about 0.1 ms.
function optionsInPlay(table: string, keys: readonly string[]): Set<Option> {
  const present = keys.flatMap((key) => findOption(table, key) ?? []);
  return new Set([...optionsOf(table).filter((option) => option.required), ...present]);
}

function keyDefinition(option: Option): string {
  if (isFamily(option)) return `[${familyPattern(option.key)}]`;
  return option.required ? option.key : `${option.key}?`;
}

// No argument or variable of a process can hold a NUL, and TOML lets one in as \u0000.
const text = type("string").narrow((value) => !value.includes("\0"));
const texts = text.array();

function valueType(wanted: OptionType): unknown {
  if (typeof wanted === "object") {
    return "enum" in wanted
      ? type.enumerated(...wanted.enum)
      : // An empty string counts as unset, as in the other lists.
        type.enumerated("", ...wanted.listOf).array();
  }
  if (wanted === "string") return text;
  if (wanted === "string[]") return texts;
  if (wanted === "integer") return "number.integer";
  if (wanted === "boolean") return "boolean";
  const textType = findTextType(wanted);
  return textType === undefined ? "unknown" : parsedText(textType);
}

function parsedText({ parse }: TextType): unknown {
  return type("string")
    .narrow((value) => parse(value) !== undefined)
    .pipe((value) => parse(value));
}

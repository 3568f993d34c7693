import { findOption, optionsOf } from "../settings/option-lookup.ts";
import { listAt, strings, type Tables } from "../settings/tidy.ts";

/** What is written at a key; undefined where it is unset. */
export function valueAt(tables: Tables, table: string, key: string): unknown {
  return tables.get(table)?.[key];
}

/** The text at a key; undefined where there is none, or something else. */
export function textAt(tables: Tables, table: string, key: string): string | undefined {
  const value = valueAt(tables, table, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The texts of a list with their index. */
export function textsAt(tables: Tables, table: string, key: string): readonly [number, string][] {
  return strings(listAt(tables, table, key) ?? []);
}

/** The keys of a table that this version acts on and that are set to something else than their default. */
export function changedKeys(tables: Tables, table: string): readonly string[] {
  const active = new Set(
    optionsOf(table)
      .filter((option) => option.state === "active")
      .map((option) => option.key),
  );
  return Object.entries(tables.get(table) ?? {})
    .filter(([key, value]) => active.has(key) && !isDefault(table, key, value))
    .map(([key]) => key);
}

function isDefault(table: string, key: string, value: unknown): boolean {
  const held = findOption(table, key)?.default;
  const isEmpty = Array.isArray(value) && value.every((element) => element === "");
  return isEmpty || (held !== undefined && JSON.stringify(held) === JSON.stringify(value));
}

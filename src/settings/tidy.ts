import { keyPath, type Path, stepsOf } from "./key-path.ts";
import type { Mistake } from "./mistake.ts";
import { findOption, findTable, subTablesOf } from "./option-lookup.ts";
import type { TomlTable } from "./toml.ts";

/**
 * The known tables that the file has, by dotted path, each with its own keys only; `""` holds what stands in no known
 * table. Of an array of tables each element has an entry: `general.charliecloud.mirror[0]`.
 */
export type Tables = ReadonlyMap<string, TomlTable>;

/**
 * Takes a document apart into its known tables. Keys that are set to an empty string count as unset and are left out.
 * Known tables that are something else in the file are mistakes and left out too.
 */
export function tidy(document: TomlTable): {
  readonly tables: Tables;
  readonly mistakes: readonly Mistake[];
} {
  const tables = new Map<string, TomlTable>();
  const mistakes: Mistake[] = [];
  const take = (path: string, table: TomlTable): void => {
    const own = copyTable(table, (key, value) => !isUnset(path, key, value));
    tables.set(path, own);
    for (const name of subTablesOf(path)) {
      const value = own[name];
      delete own[name];
      if (value !== undefined) takeSub([...stepsOf(path), name], value);
    }
  };
  const takeSub = (path: Path, value: unknown): void => {
    const isElement = typeof path.at(-1) === "number";
    if (!isElement && findTable(keyPath(path))?.isArray && Array.isArray(value)) {
      for (const [index, element] of value.entries()) takeSub([...path, index], element);
    } else if (isTable(value) && (isElement || !findTable(keyPath(path))?.isArray)) {
      take(keyPath(path), value);
    } else {
      mistakes.push({ kind: "not-a-table", path, value });
    }
  };
  take("", document);
  return { tables, mistakes };
}

/** Whether the value is a TOML table. */
export function isTable(value: unknown): value is TomlTable {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** A copy with the keys that the predicate wants; without a prototype, so that `__proto__` stays a key. */
export function copyTable(
  table: TomlTable,
  isWanted: (key: string, value: unknown) => boolean,
): Record<string, unknown> {
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(table)) {
    if (isWanted(key, value)) copy[key] = value;
  }
  return copy;
}

/** The list at that key; undefined where there is none, or something else. */
export function listAt(tables: Tables, table: string, key: string): readonly unknown[] | undefined {
  const value = tables.get(table)?.[key];
  return Array.isArray(value) ? value : undefined;
}

/** The strings of a list with their index, without the empty ones, which count as unset. */
export function strings(list: readonly unknown[]): [number, string][] {
  return list.flatMap((element, index): [number, string][] =>
    typeof element === "string" && element !== "" ? [[index, element]] : [],
  );
}

function isUnset(table: string, key: string, value: unknown): boolean {
  const type = findOption(table, key)?.type;
  return value === "" && type !== undefined && type !== "boolean" && type !== "integer";
}

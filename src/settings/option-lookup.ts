import type { Path } from "./key-path.ts";
import { OPTIONS, type Option, TABLES, type TableInfo } from "./options.ts";

const tables = new Map(TABLES.map((table) => [table.path, table]));
const exact = new Map(OPTIONS.map((option) => [`${option.table} ${option.key}`, option]));
const families = OPTIONS.filter(isFamily);

/** The known table of that dotted path. */
export function findTable(path: string): TableInfo | undefined {
  return tables.get(path);
}

/** The row for a key of a table, also where only a family such as `ff_*` holds it. */
export function findOption(table: string, key: string): Option | undefined {
  return (
    exact.get(`${table} ${key}`) ??
    families.find((option) => option.table === table && familyPattern(option.key).test(key))
  );
}

/** The rows of one table, families included. */
export function optionsOf(table: string): readonly Option[] {
  return OPTIONS.filter((option) => option.table === table);
}

/** Whether the row stands for a family of keys (`ff_*`) and not for one. */
export function isFamily(option: Option): boolean {
  return option.key.includes("*");
}

/** The keys that a family's name stands for. */
export function familyPattern(key: string): RegExp {
  const source = key.split("*").map((part) => part.replace(/[^A-Za-z0-9_]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`);
}

/** The last names of the known tables directly below a table; `""` is the top of the document. */
export function subTablesOf(table: string): readonly string[] {
  const prefix = table === "" ? "" : `${table}.`;
  return TABLES.map(({ path }) => path)
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .filter((name) => name !== "" && !name.includes("."));
}

/** How many steps of a path lead to the innermost known table. */
export function tableDepth(path: Path): number {
  let depth = 0;
  while (depth < path.length && findTable(path.slice(0, depth + 1).join(".")) !== undefined) {
    depth += 1;
  }
  return depth;
}

import { keyPath, type Path } from "./key-path.ts";
import { OPTIONS, type Option, TABLES, type TableInfo } from "./options.ts";

const tables = new Map(TABLES.map((table) => [table.path, table]));
const exact = new Map(OPTIONS.map((option) => [`${option.table} ${option.key}`, option]));
const families = OPTIONS.filter(isFamily);

/** The known table of that dotted path; `mirror[0]` is one of the tables `mirror`. */
export function findTable(path: string): TableInfo | undefined {
  return tables.get(nameOf(path));
}

/** What stands above a table's keys in the file: `[general]`, and `[[…]]` for an array of tables. */
export function headerOf({ path, isArray }: Pick<TableInfo, "path" | "isArray">): string {
  return isArray ? `[[${path}]]` : `[${path}]`;
}

/** The row for a key of a table, also where only a family such as `ff_*` holds it. */
export function findOption(table: string, key: string): Option | undefined {
  const name = nameOf(table);
  return (
    exact.get(`${name} ${key}`) ??
    families.find((option) => option.table === name && familyPattern(option.key).test(key))
  );
}

/** The rows of one table, families included. */
export function optionsOf(table: string): readonly Option[] {
  const name = nameOf(table);
  return OPTIONS.filter((option) => option.table === name);
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

/** How many steps of a path lead to the innermost known table, or to the element of an array of tables. */
export function tableDepth(path: Path): number {
  let depth = 0;
  while (depth < path.length && isKnownTable(path.slice(0, depth + 1))) {
    depth += 1;
  }
  return depth;
}

function isKnownTable(path: Path): boolean {
  const table = findTable(keyPath(path));
  return table !== undefined && (typeof path.at(-1) !== "number" || table.isArray === true);
}

/** A table's path without the numbers of elements. */
function nameOf(path: string): string {
  return path.replace(/\[\d+\]/g, "");
}

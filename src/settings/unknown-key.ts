import { keyPath, type Path } from "./key-path.ts";
import { nearestName } from "./nearest.ts";
import { findTable, headerOf, isFamily, optionsOf, tableDepth } from "./option-lookup.ts";
import { OPTIONS, TABLES } from "./options.ts";

/** What to say of a key or table that no row of the option table knows. */
export function describeUnknown(path: Path, isTable: boolean): string {
  return isTable ? describeUnknownTable(path) : describeUnknownKey(path);
}

function describeUnknownTable(path: Path): string {
  const nearest = nearestName(
    path.filter((step) => typeof step === "string").join("."),
    TABLES.map((table) => table.path),
  );
  const last = path.at(-1);
  const elsewhere = TABLES.find((table) => table.path.endsWith(`.${last}`));
  if (elsewhere !== undefined) return `unknown table; wanted ${headerOf(elsewhere)}`;
  if (nearest !== undefined) return `unknown table; nearest known table is ${header(nearest)}`;
  return `unknown table; known are ${TABLES.map(headerOf).join(", ")}`;
}

function describeUnknownKey(path: Path): string {
  const table = keyPath(path.slice(0, tableDepth(path)));
  const key = String(path.at(-1));
  const homes = OPTIONS.filter((option) => option.key === key).map((option) =>
    header(option.table),
  );
  if (homes.length > 0) return `unknown key; it is a key of ${homes.join(" and ")}`;
  if (table === "") return "unknown key; every key belongs in a table";
  const known = optionsOf(table).filter((option) => !isFamily(option));
  const nearest = nearestName(
    key,
    known.map((option) => option.key),
  );
  if (nearest !== undefined) return `unknown key; nearest known key is ${JSON.stringify(nearest)}`;
  return `unknown key; no key of ${header(table)} is called anything like it`;
}

function header(table: string): string {
  return headerOf(findTable(table) ?? { path: table });
}

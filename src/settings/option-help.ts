import { stepsOf } from "./key-path.ts";
import { nearestNames } from "./nearest.ts";
import { familyPattern, findTable, headerOf, isFamily, optionsOf } from "./option-lookup.ts";
import { OPTIONS, type Option, TABLES, type TableInfo } from "./options.ts";

/** What a word of the user's, such as `kill_timeout` or `[general.charliecloud]`, names in the option table. */
export type Named =
  | { readonly kind: "keys"; readonly options: readonly Option[] }
  | { readonly kind: "table"; readonly table: TableInfo }
  /** `nearest`: full names of keys and tables, the most similar first; may be empty. */
  | { readonly kind: "unknown"; readonly nearest: readonly string[] };

/** The full name of a key: `general.kill_timeout`. */
export function fullName({ table, key }: Pick<Option, "table" | "key">): string {
  return `${table}.${key}`;
}

/** Finds a key by its own or its full name, or a table, however it is written: with brackets, blanks, indexes. */
export function findNamed(word: string): Named {
  const steps = stepsOf(word).filter((step) => typeof step === "string");
  const path = steps.join(".");
  const table = findTable(path) ?? TABLES.find((one) => one.path.endsWith(`.${path}`));
  const keyed = keysNamed(steps);
  if (table !== undefined && keyed.length === 0) return { kind: "table", table };
  if (keyed.length > 0) return { kind: "keys", options: keyed };
  return { kind: "unknown", nearest: nearestKeys(path) };
}

/** The last step is a key; the ones before it, if any, end the name of its table. */
function keysNamed(steps: readonly string[]): readonly Option[] {
  const key = steps.at(-1) ?? "";
  const table = steps.slice(0, -1).join(".");
  const here = OPTIONS.filter(
    (option) => table === "" || option.table === table || option.table.endsWith(`.${table}`),
  );
  const exact = here.filter((option) => option.key === key);
  if (exact.length > 0) return exact;
  return here.filter((option) => isFamily(option) && familyPattern(option.key).test(key));
}

function nearestKeys(path: string): readonly string[] {
  const plain = OPTIONS.filter((option) => !isFamily(option));
  // Without its table a key is compared with keys, so that the tables' names do not count.
  const names = path.includes(".") ? plain.map(fullName) : plain.map(({ key }) => key);
  const tables = TABLES.map((table) => table.path);
  const nearest = nearestNames(path, [...new Set([...names, ...tables])]);
  return nearest.flatMap((name) => {
    const options = plain.filter((option) => option.key === name).map(fullName);
    return options.length > 0 ? options : [name];
  });
}

/** The type of a key in words; `code` marks what is literally written in the file. */
export function typeName({ type }: Option, code: (text: string) => string): string {
  if (type === "age") return `duration, also in days (${code("30d")})`;
  if (type === "amount") return "size or percentage";
  if (typeof type === "string") return type.replace("string[]", "array of strings");
  const words = (known: readonly string[]) => known.map((value) => code(`"${value}"`)).join(", ");
  return "enum" in type ? words(type.enum) : `array of ${words(type.listOf)}`;
}

/** The default of a key as it would be written in the file; `required`, or undefined where there is none. */
export function defaultText(option: Option): string | undefined {
  if (option.default !== undefined) return JSON.stringify(option.default);
  return option.required ? "required" : undefined;
}

/** A line of the file that sets the key, or undefined where the table has no example of a value. */
export function exampleLine(option: Option): string | undefined {
  const value = option.example ?? otherValue(option);
  return value === undefined ? undefined : `${option.key} = ${value}`;
}

/** A value that is not the default, where the type says enough for that. */
function otherValue({ type, default: held }: Option): string | undefined {
  if (type === "boolean") return String(held !== true);
  if (typeof type === "object" && "enum" in type)
    return JSON.stringify(type.enum.find((value) => value !== held));
  return held === undefined ? undefined : JSON.stringify(held);
}

/** Everything that the option table knows of a key, for a person; several lines. */
export function explainOption(option: Option): string {
  const table = findTable(option.table) ?? { path: option.table };
  const rows = [
    ["table", headerOf(table)],
    ["type", typeName(option, String)],
    ["default", defaultText(option) ?? "none"],
  ];
  const example = exampleLine(option);
  const lines = [
    fullName(option),
    "",
    `  ${option.meaning}`,
    "",
    ...rows.map(([name = "", text]) => `  ${name.padEnd(8)} ${text}`),
  ];
  if (option.state === "accepted")
    return [...lines, "", "  Accepted, without effect in this version."].join("\n");
  if (example === undefined) return lines.join("\n");
  return [...lines, "", "Example", "", `  ${headerOf(table)}`, `  ${example}`].join("\n");
}

/** A table and its keys, one line each. */
export function explainTable(table: TableInfo): string {
  const options = optionsOf(table.path);
  const active = options.filter(({ state }) => state === "active");
  const idle = options.filter(({ state }) => state === "accepted").map(({ key }) => key);
  const width = Math.max(0, ...active.map(({ key }) => key.length));
  const more = table.open ? ". Any key is accepted here" : "";
  return [
    headerOf(table),
    "",
    `  ${table.meaning}`,
    ...(active.length > 0 ? [""] : []),
    ...active.map(({ key, meaning }) => `  ${key.padEnd(width)}  ${meaning}`),
    ...(idle.length > 0
      ? ["", `  Accepted, without effect in this version: ${idle.join(", ")}${more}.`]
      : []),
  ].join("\n");
}

import { keyPath, type Path } from "./key-path.ts";
import type { Mistake } from "./mistake.ts";
import { nearestName } from "./nearest.ts";
import { findOption, findTable, headerOf, tableDepth } from "./option-lookup.ts";
import type { Option, OptionType } from "./option-types.ts";
import { oneLine, shorten } from "./problem.ts";
import { findTextType } from "./text-types.ts";
import { isTable } from "./tidy.ts";
import { describeUnknown } from "./unknown-key.ts";

const LONGEST_LABEL = 120;
const LONGEST_SHOWN = 60;

/** A mistake in words, both one line: `complaint` is what was found and what is wanted, `message` names the key first. */
export function describeMistake(mistake: Mistake): {
  readonly complaint: string;
  readonly message: string;
} {
  const text = oneLine(complaint(mistake));
  return {
    complaint: text,
    message: `${oneLine(shorten(label(mistake), LONGEST_LABEL))}: ${text}`,
  };
}

function label(mistake: Mistake): string {
  const { path } = mistake;
  const depth = tableDepth(path);
  if (depth === path.length || (mistake.kind === "unknown" && mistake.isTable)) {
    return header(path);
  }
  const key = keyPath(path.slice(depth));
  return depth === 0 ? key : `${header(path.slice(0, depth))} ${key}`;
}

/** As it stands in the file, so without the number of an element: the line tells which one is meant. */
function header(path: Path): string {
  const table = findTable(keyPath(path));
  return table === undefined ? `[${keyPath(path)}]` : headerOf(table);
}

function complaint(mistake: Mistake): string {
  const { path } = mistake;
  switch (mistake.kind) {
    case "unknown":
      return describeUnknown(path, mistake.isTable);
    case "missing":
      return `missing; wanted ${wanted(optionAt(path), false)}`;
    case "wrong-value":
      return wrongValue(path, mistake.value);
    case "not-a-table":
      return `${shown(path, mistake.value)} ${notATable(path)}; wanted a ${header(path)} header`;
    case "refused":
      return mistake.complaint;
  }
}

function notATable(path: Path): string {
  const isArray = findTable(keyPath(path))?.isArray && typeof path.at(-1) !== "number";
  return isArray ? "is not a list of tables" : "is not a table";
}

function wrongValue(path: Path, value: unknown): string {
  const option = optionAt(path);
  const isElement = typeof path.at(-1) === "number";
  const type = option?.type;
  const is = fault(type, value, isElement);
  const known = typeof value === "string" ? knownWords(type, isElement) : undefined;
  const near =
    typeof value === "string" && known !== undefined ? nearestName(value, known) : undefined;
  const hint = near === undefined ? "" : `; nearest is ${JSON.stringify(near)}`;
  const wantsText = known !== undefined || findTextType(type) !== undefined || type === "string";
  return `${shown(path, value, wantsText)} ${is}; wanted ${wanted(option, isElement)}${hint}`;
}

function fault(type: OptionType | undefined, value: unknown, isElement: boolean): string {
  if (typeof value === "string" && value.includes("\0")) return "holds a NUL character";
  if (type === "string[]" || isListOf(type)) {
    if (!isElement) return "is not a list";
    return type === "string[]" ? "is not a string" : "is not a known value";
  }
  if (typeof type === "object") return "is not a known value";
  if (type === "duration" && typeof value === "string" && value.startsWith("-")) {
    return "is not a duration from 0 up";
  }
  const noun = findTextType(type)?.noun;
  return `is not ${noun ?? `${type === "integer" ? "an" : "a"} ${type ?? "known value"}`}`;
}

function wanted(option: Option | undefined, isElement: boolean): string {
  const type = option?.type;
  const known = knownWords(type, isElement);
  if (known !== undefined) {
    return `one of ${known.map((member) => JSON.stringify(member)).join(", ")}`;
  }
  if (type === "boolean") return "true or false";
  if (type === "integer") return "a whole number";
  const textType = findTextType(type);
  if (textType !== undefined) return textType.wanted;
  const example = option?.example;
  if ((type === "string[]" || isListOf(type)) && !isElement) {
    return `a list of strings such as ${example ?? '["a", "b"]'}`;
  }
  return type === "string" && example !== undefined ? `a string such as ${example}` : "a string";
}

function isListOf(type: OptionType | undefined): type is { readonly listOf: readonly string[] } {
  return typeof type === "object" && "listOf" in type;
}

/** The words of which the value must be one; undefined where others are possible. */
function knownWords(
  type: OptionType | undefined,
  isElement: boolean,
): readonly string[] | undefined {
  if (isListOf(type)) return isElement ? type.listOf : undefined;
  return typeof type === "object" ? type.enum : undefined;
}

function optionAt(path: Path): Option | undefined {
  const depth = tableDepth(path);
  const key = path[depth];
  return typeof key === "string" ? findOption(keyPath(path.slice(0, depth)), key) : undefined;
}

// The second form is an environment entry: job logs show these lines, and its name does not tell what it holds.
const SECRET = /token|passw|secret|credential|private_?key|api_?key|^\w+=/i;

/** Whether a line of the file may hold what its messages keep back. */
export function mayShowSecret(line: string): boolean {
  return SECRET.test(line) || /["']\w+=/.test(line);
}

/** A value for a message: quoted and cut, with its type unless a text was wanted; only the type if it may be a secret. */
function shown(path: Path, value: unknown, wantsText = false): string {
  const kind = kindOf(value);
  if (Array.isArray(value) || isTable(value)) return kind;
  const plain = value instanceof Date ? value.toISOString() : String(value);
  if (SECRET.test(keyPath(path)) || SECRET.test(plain)) return `the value (${kind})`;
  if (typeof value !== "string") return `${plain} (${kind})`;
  const cut = shorten(plain, LONGEST_SHOWN);
  return wantsText ? JSON.stringify(cut) : `${JSON.stringify(cut)} (${kind})`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a float";
  if (typeof value === "boolean") return "a boolean";
  return typeof value === "string" ? "a string" : "a table";
}

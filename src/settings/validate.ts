import { assembleSettings } from "./assemble.ts";
import { checkContents } from "./checks.ts";
import { keyPath, type Path, stepsOf } from "./key-path.ts";
import { type Location, locateKeys, type Position } from "./locate.ts";
import type { Mistake } from "./mistake.ts";
import { findOption, findTable } from "./option-lookup.ts";
import { type Problem, sortProblems } from "./problem.ts";
import type { Settings } from "./settings.ts";
import { copyTable, type Tables, tidy } from "./tidy.ts";
import { parseToml } from "./toml.ts";
import { describeMistake } from "./wording.ts";

/** Settings with warnings, or all problems of the file, sorted by line. */
export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The verdict on a file together with what stands in it, for who wants to say more than the verdict does. */
export interface Inspection {
  readonly result: SettingsResult;
  /** The known tables as they are written, right or wrong, without what counts as unset; none where the text is no TOML. */
  readonly tables: Tables;
  /** As `Settings.inactive`, also of a file with problems, with the place of each key. */
  readonly inactive: readonly { readonly key: string; readonly at: Position | undefined }[];
  /** Where the value of a key stands, else the key or what it would stand in. */
  readonly locate: (path: Path) => Position | undefined;
}

type Locations = ReadonlyMap<string, Location>;

/**
 * Validates the text of a configuration file.
 *
 * @param file its absolute path, for problems and `Settings.file`; nothing is read.
 */
export async function validateSettings(text: string, file: string): Promise<SettingsResult> {
  return (await inspectSettings(text, file)).result;
}

/** Validates as {@link validateSettings} does, which is this without what only `check` wants to know. */
export async function inspectSettings(text: string, file: string): Promise<Inspection> {
  const parsed = parseToml(text);
  if (!parsed.ok) {
    const { line, column, message } = parsed;
    return withoutContent({ file, line, column, message });
  }
  const locations = locateKeys(text);
  const { tables, mistakes } = tidy(parsed.document);
  const inactive = inactivePaths(tables, locations);
  return {
    result: await resultOf({ file, tables, mistakes, locations, inactive }),
    tables,
    inactive: inactive.map((key) => ({ key, at: locations.get(key) })),
    locate: (path) => positionOf(path, false, locations),
  };
}

/** The inspection of a text that has one problem instead of a content. */
export function withoutContent(problem: Problem): Inspection {
  return {
    result: { ok: false, problems: [problem] },
    tables: new Map(),
    inactive: [],
    locate: () => undefined,
  };
}

async function resultOf(made: {
  readonly file: string;
  readonly tables: Tables;
  readonly mistakes: readonly Mistake[];
  readonly locations: Locations;
  readonly inactive: readonly string[];
}): Promise<SettingsResult> {
  const { file, tables, mistakes, locations, inactive } = made;
  // Loaded here, because arktype takes most of the time and a file that cannot be parsed does not need it.
  const { checkShape } = await import("./schema.ts");
  const shape = checkShape(tables);

  const found = [
    ...mistakes,
    ...(await checkContents(tables)),
    ...(shape.ok ? [] : shape.mistakes),
  ];
  const isLenient = warnsOfUnknown(tables);
  const unknown = isLenient ? found.filter(isUnknown) : [];
  const errors = isLenient ? found.filter((mistake) => !isUnknown(mistake)) : found;
  const inWords = (chosen: readonly Mistake[]) =>
    sortProblems(chosen.map((mistake) => problemOf(mistake, file, locations)));
  if (errors.length > 0) return { ok: false, problems: inWords(errors) };

  const accepted = shape.ok ? shape : checkShape(without(tables, unknown));
  if (!accepted.ok) return { ok: false, problems: inWords(accepted.mistakes) };
  const settings = assembleSettings(accepted.tables, {
    file,
    inactive,
    hasAuth: tables.has("auth"),
  });
  return { ok: true, settings, warnings: inWords(unknown) };
}

function isUnknown(mistake: Mistake): boolean {
  return mistake.kind === "unknown";
}

function warnsOfUnknown(tables: Tables): boolean {
  return tables.get("general")?.["unknown_keys"] === "warn";
}

/** The tables without the keys that the mistakes are about. */
function without(tables: Tables, mistakes: readonly Mistake[]): Tables {
  const unwanted = new Set(mistakes.map((mistake) => keyPath(mistake.path)));
  return new Map(
    Array.from(tables, ([path, table]) => [
      path,
      copyTable(table, (key) => !unwanted.has(pathIn(path, key))),
    ]),
  );
}

function problemOf(mistake: Mistake, file: string, locations: Locations): Problem {
  const { path, kind } = mistake;
  const atKey = kind === "unknown" || kind === "missing";
  const { line, column } = positionOf(path, atKey, locations) ?? {};
  const place = line === undefined || column === undefined ? {} : { line, column };
  const { complaint, message } = describeMistake(mistake);
  return { file, ...place, key: keyPath(path), kind, complaint, message };
}

/** Where to look: at the value if that is meant, else at the key, or at the table that lacks it. */
function positionOf(path: Path, atKey: boolean, locations: Locations): Position | undefined {
  const exact = locations.get(keyPath(path));
  if (exact === undefined) return enclosing(path, locations);
  return atKey ? exact : (exact.value ?? exact);
}

function enclosing(path: Path, locations: Locations): Position | undefined {
  for (let length = path.length - 1; length > 0; length -= 1) {
    const location = locations.get(keyPath(path.slice(0, length)));
    if (location !== undefined) return location;
  }
  return undefined;
}

/** Paths of keys without effect, in file order: those the option table marks so, and all of open tables. */
function inactivePaths(tables: Tables, locations: Locations): string[] {
  const paths = Array.from(tables, ([path, table]) =>
    Object.keys(table)
      .filter((key) => isInactive(path, key))
      .map((key) => pathIn(path, key)),
  ).flat();
  // The map of locations is in file order.
  const order = new Map(Array.from(locations.keys(), (path, index) => [path, index]));
  return paths.toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

function isInactive(table: string, key: string): boolean {
  const option = findOption(table, key);
  return option === undefined ? findTable(table)?.open === true : option.state === "accepted";
}

function pathIn(table: string, key: string): string {
  return keyPath([...stepsOf(table), key]);
}

import type { ArgsDef } from "citty";

/** Options that every command has. */
const EVERYWHERE = ["help", "h"];

/**
 * The first word that the command cannot take, as a message. citty itself takes any word, so a mistyped
 * `--configuraton` would be a missing configuration.
 *
 * @param takesMore whether the last place is for any number of words
 */
export function misusedWord(
  words: readonly string[],
  args: ArgsDef | undefined,
  takesMore = false,
): string | undefined {
  const known = optionTypes(args);
  let places = takesMore
    ? Number.POSITIVE_INFINITY
    : Object.values(args ?? {}).filter(({ type }) => type === "positional").length;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const spelled = /^(--?)([^=]+)(=)?/.exec(word);
    if (spelled === null) {
      if (word.startsWith("-") && word !== "-") return `unknown option ${word}`;
      if (--places < 0) return `unexpected word ${JSON.stringify(word)}`;
      continue;
    }
    const [, dashes, name = "", equals] = spelled;
    const type = known.get(name);
    if (type === undefined || (name.length === 1) !== (dashes === "-")) {
      return `unknown option ${word}`;
    }
    if (type === "boolean" && equals) return `option ${dashes}${name} takes no value`;
    if (type === "boolean" || equals) continue;
    const value = words[++i];
    if (value === undefined || value.startsWith("--")) return `option ${word} needs a value`;
  }
  return undefined;
}

/** The values of an option that may be given several times, which citty does not know. */
export function optionValues(words: readonly string[], option: `--${string}`): string[] {
  return words.flatMap((word, i) => {
    if (word.startsWith(`${option}=`)) return [word.slice(option.length + 1)];
    return word === option ? [words[i + 1] ?? ""] : [];
  });
}

/** Each option by all of its names, without dashes. */
function optionTypes(args: ArgsDef | undefined): Map<string, "boolean" | "string"> {
  const known = new Map<string, "boolean" | "string">(EVERYWHERE.map((name) => [name, "boolean"]));
  for (const [name, definition] of Object.entries(args ?? {})) {
    const type = definition.type === "enum" ? "string" : definition.type;
    if (type !== "boolean" && type !== "string") continue;
    known.set(name, type);
    if (type === "boolean") known.set(`no-${name}`, "boolean");
    for (const alias of aliasesOf(definition)) known.set(alias, type);
  }
  return known;
}

function aliasesOf(definition: object): readonly string[] {
  if (!("alias" in definition)) return [];
  return [definition.alias].flat().filter((alias) => typeof alias === "string");
}

/** `unknown command "x"`, with the nearest one. */
export async function suggestion(name: string, known: readonly string[]): Promise<string> {
  const { closest } = await import("fastest-levenshtein");
  return `unknown command "${name}"; nearest is "${closest(name, [...known])}"`;
}

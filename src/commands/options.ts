import type { ArgsDef } from "citty";

/** Options that every command has. */
const EVERYWHERE = ["help", "h"];

/**
 * The first option among `words` that the command does not have, as a message. citty itself takes any option, so a
 * mistyped `--configuraton` would be a missing configuration.
 */
export function misusedOption(
  words: readonly string[],
  args: ArgsDef | undefined,
): string | undefined {
  const definitions = Object.entries(args ?? {});
  const known = new Map<string, string | undefined>(EVERYWHERE.map((name) => [name, "boolean"]));
  for (const [name, definition] of definitions) {
    if (definition.type === "positional" || definition.type === undefined) continue;
    known.set(name, definition.type);
    if (definition.type === "boolean") known.set(`no-${name}`, "boolean");
    for (const alias of aliasesOf(definition)) known.set(alias, definition.type);
  }
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (!word.startsWith("-") || word === "-") continue;
    const [name = "", value] = word.replace(/^--?/, "").split("=", 2);
    const type = known.get(name);
    if (!known.has(name)) return `unknown option ${word}`;
    if (type !== "string" || value !== undefined) continue;
    if (words[++i] === undefined) return `option ${word} needs a value`;
  }
  return undefined;
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

/** A step that matches one character. */
export interface Atom {
  readonly kind: "literal" | "any" | "class";
  /** Of a literal; empty for others. */
  readonly char: string;
  /** A quantifier lets it match nothing. */
  readonly optional: boolean;
  /** It has a quantifier. */
  readonly quantified: boolean;
  /** Offset in the pattern. */
  readonly at: number;
}

/** One step of a regular expression (RE2), as far as can be said what it matches. */
export type Item =
  | Atom
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | {
      readonly kind: "group";
      readonly branches: readonly (readonly Item[])[];
      readonly optional: boolean;
    };

export type Branches = readonly (readonly Item[])[];

interface Reader {
  readonly text: string;
  at: number;
}

/** Reads a pattern that RE2 accepts: its alternatives, each a sequence of steps. */
export function readPattern(text: string): Branches {
  return readBranches({ text, at: 0 });
}

function readBranches(reader: Reader): Item[][] {
  const branches: Item[][] = [[]];
  while (reader.at < reader.text.length) {
    const char = reader.text[reader.at];
    if (char === ")") break;
    if (char === "|") {
      reader.at += 1;
      branches.push([]);
    } else branches.at(-1)?.push(...readItems(reader));
  }
  return branches;
}

/** One step; several for quoted text, none for what matches no character and says nothing. */
function readItems(reader: Reader): Item[] {
  const { text, at } = reader;
  const char = text[at] ?? "";
  reader.at += 1;
  switch (char) {
    case "^":
      return [{ kind: "start" }];
    case "$":
      return [{ kind: "end" }];
    case ".":
      return [atom(reader, "any", "", at)];
    case "(":
      return readGroup(reader);
    case "[":
      return readClass(reader, at);
    case "\\":
      return readEscape(reader, at);
    default:
      return [atom(reader, "literal", char, at)];
  }
}

function readGroup(reader: Reader): Item[] {
  const opening = /\?(?:P?<\w+>|[a-zA-Z-]*([:)]))/y;
  opening.lastIndex = reader.at;
  const found = opening.exec(reader.text);
  if (found !== null) reader.at = opening.lastIndex;
  // `(?i)` holds for what follows and matches nothing itself.
  if (found?.[1] === ")") return [];
  const branches = readBranches(reader);
  reader.at += 1;
  return [{ kind: "group", branches, optional: readQuantifier(reader).optional }];
}

function readClass(reader: Reader, at: number): Item[] {
  const members = /\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]/y;
  members.lastIndex = reader.at;
  const inside = members.exec(reader.text)?.[0].slice(0, -1) ?? "";
  reader.at += inside.length + 1;
  // `[.]` is how some write a dot.
  return /^[^^\\\w]$/.test(inside)
    ? [atom(reader, "literal", inside, at)]
    : [atom(reader, "class", "", at)];
}

function readEscape(reader: Reader, at: number): Item[] {
  const { text } = reader;
  const char = text[reader.at] ?? "";
  reader.at += 1;
  if (char === "A") return [{ kind: "start" }];
  if (char === "z") return [{ kind: "end" }];
  if (char === "b" || char === "B") return [];
  if (char === "Q") return readQuoted(reader);
  if (/\w/.test(char)) {
    const argument = /\{[^}]*\}|(?<=x)[0-9A-Fa-f]{2}|(?<=[pP])\w/y;
    argument.lastIndex = reader.at;
    if (argument.test(text)) reader.at = argument.lastIndex;
    return [atom(reader, "class", "", at)];
  }
  return [atom(reader, "literal", char, at)];
}

function readQuoted(reader: Reader): Item[] {
  const end = reader.text.indexOf("\\E", reader.at);
  const quoted = reader.text.slice(reader.at, end === -1 ? undefined : end);
  const start = reader.at;
  reader.at += quoted.length + (end === -1 ? 0 : 2);
  return Array.from(quoted, (char, index) => ({
    kind: "literal",
    char,
    optional: false,
    quantified: false,
    at: start + index,
  }));
}

function atom(reader: Reader, kind: Atom["kind"], char: string, at: number): Atom {
  return { kind, char, ...readQuantifier(reader), at };
}

function readQuantifier(reader: Reader): { optional: boolean; quantified: boolean } {
  const quantifier = /(?:[*+?]|\{\d+(?:,\d*)?\})\??/y;
  quantifier.lastIndex = reader.at;
  const found = quantifier.exec(reader.text)?.[0] ?? "";
  reader.at += found.length;
  return { optional: /^(?:[*?]|\{0)/.test(found), quantified: found !== "" };
}

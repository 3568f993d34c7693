/** What a ch-run says of its own options. */
export interface ChRunHelp {
  /** Names without dashes. */
  readonly long: ReadonlySet<string>;
  /** Letters, and whether the option takes the rest of its word as a value. */
  readonly short: ReadonlyMap<string, boolean>;
}

const OPTION = /^ {1,6}(?:-(\S), )? *--([a-z0-9][a-z0-9-]*)(\[?=\S+)?/gm;

/** Reads what `ch-run --help` prints (argp's form, as of 0.31 to 0.45); undefined where no option stands in it. */
export function readChRunHelp(text: string): ChRunHelp | undefined {
  const found = [...text.matchAll(OPTION)];
  const short = found.flatMap(([, letter, , value]): [string, boolean][] =>
    letter === undefined ? [] : [[letter, value !== undefined]],
  );
  const long = new Set(found.map(([, , name = ""]) => name));
  return long.size === 0 ? undefined : { long, short: new Map(short) };
}

/** The option that this ch-run does not know, as it is written, e.g. `--write-fake`; undefined where it knows it. */
export function unknownOption(word: string, { long, short }: ChRunHelp): string | undefined {
  if (word.startsWith("--")) {
    const [written = ""] = word.slice(2).split("=", 1);
    // A unique beginning is enough for getopt_long.
    const isKnown =
      long.has(written) || [...long].filter((name) => name.startsWith(written)).length === 1;
    return isKnown ? undefined : `--${written}`;
  }
  for (const letter of word.slice(1)) {
    const takesValue = short.get(letter);
    if (takesValue === undefined) return `-${letter}`;
    if (takesValue) return undefined;
  }
  return undefined;
}

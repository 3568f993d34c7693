/** How `flux batch` reads its command line (Python's argparse without abbreviations), written from its manual. */
export interface Parsed {
  /** Values by long name, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** `--env` rules in the order in which they were given. */
  readonly envRules: readonly string[];
  readonly script?: string;
}

const VALUE = new Set(
  (
    "output error input setopt setattr job-name cwd env env-remove env-file flags urgency add-file conf " +
    "broker-opts broker-opt resources-json resources-shape signal bank queue time-limit nslots " +
    "cores-per-slot gpus-per-slot nodes requires require dependency begin-time rlimit add-brokers"
  ).split(" "),
);
const FLAG = new Set(
  "label-io dry-run dry quiet wrap list-plugins exclusive unbuffered debug-emulate".split(" "),
);
const MAYBE = new Set(["dump", "help"]);
const LETTERS: Readonly<Record<string, string>> = {
  B: "bank",
  q: "queue",
  t: "time-limit",
  n: "nslots",
  c: "cores-per-slot",
  g: "gpus-per-slot",
  N: "nodes",
  x: "exclusive",
  u: "unbuffered",
  o: "setopt",
  S: "setattr",
  l: "label-io",
};

/** A usage error is a string. */
export function parseBatch(words: readonly string[]): Parsed | string {
  const values = new Map<string, string[]>();
  const envRules: string[] = [];
  const set = (name: string, value: string) => {
    values.set(name, [...(values.get(name) ?? []), value]);
    if (name === "env") envRules.push(value);
    if (name === "env-remove") envRules.push(`-${value}`);
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--") return { values, envRules, ...scriptAt(words, i + 1) };
    if (isPositional(word)) return { values, envRules, ...scriptAt(words, i) };
    const options = word.startsWith("--") ? long(word) : letters(word);
    if (typeof options === "string") return options;
    for (const { name, value } of options) {
      const next = words[i + 1];
      const hasNext = next !== undefined && !next.startsWith("-");
      if (value !== undefined) {
        if (FLAG.has(name)) return `argument --${name}: ignored explicit argument '${value}'`;
        set(name, value);
      } else if (VALUE.has(name)) {
        if (!hasNext) return `argument --${name}: expected one argument`;
        set(name, next);
        i++;
      } else {
        set(name, MAYBE.has(name) && hasNext ? next : "");
        if (MAYBE.has(name) && hasNext) i++;
      }
    }
  }
  return { values, envRules };
}

export function last(parsed: Parsed, name: string): string | undefined {
  return parsed.values.get(name)?.at(-1);
}

interface Option {
  readonly name: string;
  readonly value?: string;
}

function isPositional(word: string): boolean {
  if (!word.startsWith("-") || word === "-" || /^-\d+$|^-\d*\.\d+$/.test(word)) return true;
  const name = /^--([^=]*)/.exec(word)?.[1];
  const isKnown =
    name === undefined
      ? LETTERS[word.slice(1, 2)] !== undefined
      : VALUE.has(name) || FLAG.has(name) || MAYBE.has(name);
  return !isKnown && word.includes(" ");
}

function long(word: string): readonly Option[] | string {
  const [, name = "", , value] = /^--([^=]*)(=(.*))?$/s.exec(word) ?? [];
  if (!VALUE.has(name) && !FLAG.has(name) && !MAYBE.has(name))
    return `unrecognized arguments: ${word}`;
  return [value === undefined ? { name } : { name, value }];
}

function letters(word: string): readonly Option[] | string {
  const options: Option[] = [];
  for (let i = 1; i < word.length; i++) {
    const name = LETTERS[word.slice(i, i + 1)];
    if (name === undefined) return `unrecognized arguments: ${word}`;
    if (FLAG.has(name)) {
      options.push({ name });
      continue;
    }
    const rest = word.slice(i + 1);
    options.push(rest === "" ? { name } : { name, value: rest });
    break;
  }
  return options;
}

function scriptAt(words: readonly string[], at: number): { readonly script?: string } {
  const script = words[at];
  return script === undefined ? {} : { script };
}

/** Words of the script's `flux:` lines, wherever they stand, also in a here-document. */
export function directives(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const said = /^[^A-Za-z0-9]+(?:flux|FLUX):\s*(.*)$/.exec(line)?.[1];
    return said === undefined ? [] : said.split(/\s+/).filter((word) => word !== "");
  });
}

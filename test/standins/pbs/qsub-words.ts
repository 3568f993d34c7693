/** What qsub makes of its command line: getopt's rules, the checks that it makes by itself. */
import { die } from "./store.ts";

export const USAGE = `usage: qsub [-a date_time] [-A account_string] [-c interval]
\t[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]
\t[-k keep] [-l resource_list] [-m mail_options] [-M user_list]
\t[-N jobname] [-o path] [-p priority] [-P project] [-q queue] [-r y|n]
\t[-R o|e|oe] [-S path] [-u user_list] [-W otherattributes=value...]
\t[-v variable_list] [-V ] [-z] [script | -- command [arg1 ...]]`;

const WITH_VALUE = "aAcCejJklmMNopPqrRSuvW";
const FLAGS = "fhIVXz";

export interface Words {
  /** The last of each letter. */
  readonly values: ReadonlyMap<string, string>;
  readonly resources: ReadonlyMap<string, string>;
  /** Of -W, with lower-case names. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
}

export function readWords(words: readonly string[]): Words {
  const values = new Map<string, string>();
  const resources = new Map<string, string>();
  const attributes = new Map<string, string>();
  const take = (letter: string, value: string) => {
    values.set(letter, value);
    if (letter === "l") for (const [name, text] of resourcesOf(value)) resources.set(name, text);
    if (letter === "W") for (const [name, text] of attributesOf(value)) attributes.set(name, text);
  };
  let i = 0;
  for (; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--" || !word.startsWith("-") || word === "-") break;
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? "";
      if (FLAGS.includes(letter)) {
        take(letter, "");
        continue;
      }
      if (!WITH_VALUE.includes(letter)) usage(`invalid option -- '${letter}'`);
      const attached = word.slice(at + 1);
      const value = attached === "" ? words[++i] : attached;
      if (value === undefined) usage(`option requires an argument -- '${letter}'`);
      take(letter, value);
      break;
    }
  }
  checkValues(values);
  return { values, resources, attributes, rest: words.slice(i) };
}

export function usage(message: string): never {
  die(2, `qsub: ${message}\n${USAGE}`);
}

function checkValues(values: ReadonlyMap<string, string>): void {
  const bad = (letter: string) => usage(`illegal -${letter} value`);
  const test = (letter: string, shape: RegExp) => {
    const value = values.get(letter);
    if (value !== undefined && !shape.test(value)) bad(letter);
  };
  if ((values.get("N") ?? "").length > 230) die(2, "qsub: Job name is too long");
  test("N", /^[\w.+-]+$/);
  test("j", /^(oe|eo|n)$/);
  test("k", /^(n|(?=.*[oe])[oed]+)$/);
  test("r", /^[yn]$/);
  test("S", /^\//);
  // A host before the path would have to be known.
  test("o", /^[ -~]+$/);
  if (/^[\w.-]+:/.test(values.get("o") ?? "")) bad("o");
  if (values.has("I"))
    die(1, "qsub: standard input and output must be a terminal for interactive job submission");
  if (values.has("J")) die(99, "qsub stand-in: arrays are not there");
}

function resourcesOf(text: string): readonly (readonly [string, string])[] {
  if (/\s$/.test(text) || text === "") usage("illegal -l value");
  return text
    .split(/,(?=[\w.]+(?:=|,|$))/)
    .map((pair) => [
      pair.split("=")[0] ?? "",
      pair.includes("=") ? pair.slice(pair.indexOf("=") + 1) : "",
    ]);
}

/** A value ends at the last comma before the next `=`, or at its quote. */
function attributesOf(text: string): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  let rest = text.trim();
  while (rest !== "") {
    const head = /^\s*([\w-]+)\s*=\s*/.exec(rest);
    if (head === null) usage("illegal -W value");
    rest = rest.slice(head[0].length);
    const quoted = /^(["'])(.*?)\1\s*,?/.exec(rest);
    const next = /,\s*[\w-]+\s*=/.exec(rest);
    const plain = next === null ? rest : rest.slice(0, next.index);
    found.push([(head[1] ?? "").toLowerCase(), quoted?.[2] ?? plain]);
    rest = quoted ? rest.slice(quoted[0].length) : rest.slice(plain.length + 1);
  }
  return found;
}

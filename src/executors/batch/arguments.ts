import { accept, refuse, type Verdict } from "../../plan/decision.ts";
import { quoted } from "../../plan/quoted.ts";
import type { ArgumentOrigin } from "./scheduler.ts";

/** What a scheduler makes of one word; messages follow the name of the key or variable and a colon. */
export interface Examined {
  /** Why nobody may write it, such as words that would run instead of the driver's program. */
  readonly never?: string;
  /** Why it is refused unless `allow_illegal_args` is set. */
  readonly illegal?: string;
  /** The next word is its value. */
  readonly takesNext: boolean;
}

/** Walks through words for a submission's command line; `examine` gets each option and the word after it. */
export function checkWords(
  words: readonly string[],
  { fault, from, allowIllegal }: ArgumentOrigin,
  examine: (word: string, next: string | undefined) => Examined,
): Verdict<readonly string[]> {
  const no = (message: string) => refuse(fault, `${from}: ${message}`, from);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const { never, illegal, takesNext } = examine(word, words[i + 1]);
    if (never !== undefined) return no(never);
    if (illegal !== undefined && !allowIllegal) return no(illegal);
    if (takesNext && ++i >= words.length) return no(needsValue(word));
  }
  return accept(words);
}

/** For a word that would end the options or run as a program. */
export function strayMessage(word: string, why: string): string {
  return `the word ${quoted(word)} ${why}`;
}

export function needsValue(word: string): string {
  return `the option ${quoted(word)} needs a value`;
}

/** Reasons that hold for every scheduler. */
export const WHY = {
  array: "would make several jobs of one CI job, which has one exit status",
  directory: "is set by the driver: the job starts in the CI job's directory",
  environment: "is set by the driver: the script's environment comes from the CI job",
  error: "would split the job's output, which goes to the job log as a whole",
  hold: "would leave the job waiting until somebody releases it",
  input: "would give the script another standard input than on the host",
  name: "is set by the driver: it finds the job by its name",
  otherCluster: "would send the job to a cluster where the driver does not look for it",
  otherUser: "would change whose job it is",
  output: "is set by the driver: it follows the job's output",
} as const;

/** `names`, parted by blanks, as entries of a map. */
export function entriesOf<T>(names: string, value: T): readonly (readonly [string, T])[] {
  return names.split(" ").map((name) => [name, value]);
}

/** Short options from `a:array A:account …`. */
export function shortOptions(pairs: string): ReadonlyMap<string, string> {
  return new Map(pairs.split(" ").map((pair) => [pair.slice(0, 1), pair.slice(2)]));
}

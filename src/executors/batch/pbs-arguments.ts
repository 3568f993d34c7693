import type { Verdict } from "../../plan/decision.ts";
import { quoted } from "../../plan/quoted.ts";
import { checkWords, type Examined, strayMessage, WHY } from "./arguments.ts";
import type { ArgumentOrigin } from "./scheduler.ts";

/** As in getopt: qsub knows single letters only. */
const WITH_VALUE: ReadonlySet<string> = new Set([..."aAcCejJklmMNopPqrRSuvW"]);
const FLAGS: ReadonlySet<string> = new Set([..."fhIVXz"]);

const ENVIRONMENT = "would show variables to every user; the script's environment is the CI job's";
const SECOND_RUN = "is set by the driver: no script may run twice";
const TERMINAL = "needs a terminal";

/** Options that would take the job out of the driver's hands, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["c", SECOND_RUN],
  ["C", "is set by the driver: it would read options from the driver's own program"],
  ["e", WHY.error],
  ["f", "is set by the driver: no qsub may stay behind"],
  ["h", WHY.hold],
  ["I", TERMINAL],
  ["j", WHY.output],
  ["J", WHY.array],
  ["k", WHY.output],
  ["N", WHY.name],
  ["o", WHY.output],
  ["r", SECOND_RUN],
  ["R", "would delete the job's output"],
  ["S", "would run the driver's program with another one than the login shell"],
  ["u", WHY.otherUser],
  ["v", ENVIRONMENT],
  ["V", ENVIRONMENT],
  ["X", TERMINAL],
  ["z", "hides the job's id, which the driver needs"],
]);

/** One name and one value: -W sets any attribute by name, several with commas, and quotes hide the next name. */
const ATTRIBUTE =
  /^(depend|group_list|release_nodes_on_stageout|tolerate_node_failures)=[^='"\\]*$/;

/** A word of options, and what getopt makes of it. */
interface Reading {
  /** More than one where letters are joined. */
  readonly letters: readonly string[];
  /** The value in the same word. */
  readonly attached?: string;
  readonly takesNext: boolean;
  readonly unknown?: string;
}

/** Checks words for qsub's command line; see `Scheduler.checkArguments`. */
export function checkPbsArguments(
  words: readonly string[],
  origin: ArgumentOrigin,
): Verdict<readonly string[]> {
  return checkWords(words, origin, examine);
}

function examine(word: string, next: string | undefined): Examined {
  const stray = strayWord(word);
  if (stray !== undefined) return { never: strayMessage(word, stray), takesNext: false };
  const option = readWord(word);
  const { takesNext } = option;
  const value = takesNext ? next : (option.attached ?? "");
  const illegal = value === undefined ? undefined : objection(word, option, value);
  return { takesNext, ...(illegal && { illegal }) };
}

/** What no administrator can allow: words that qsub would run instead of the driver's program, or that end it. */
function strayWord(word: string): string | undefined {
  if (word === "--") return "would end qsub's options";
  if (word.startsWith("--")) return "is no option of qsub, which has single letters only";
  if (!word.startsWith("-") || word === "-")
    return "would become the script; wanted: options of qsub such as -l walltime=10:00";
  return undefined;
}

/** Letters combine (`-zh`); the first that takes a value takes the rest of the word, else the next word. */
function readWord(word: string): Reading {
  const letters: string[] = [];
  for (let i = 1; i < word.length; i++) {
    const letter = word[i] ?? "";
    letters.push(letter);
    if (FLAGS.has(letter)) continue;
    if (!WITH_VALUE.has(letter)) return { letters, takesNext: false, unknown: letter };
    const attached = word.slice(i + 1);
    return attached === "" ? { letters, takesNext: true } : { letters, attached, takesNext: false };
  }
  return { letters, takesNext: false };
}

function objection(word: string, option: Reading, value: string): string | undefined {
  const { letters, unknown } = option;
  const refused = letters.find((letter) => REFUSED.has(letter));
  if (refused !== undefined) {
    const whole = word === `-${refused}` ? "" : `(-${refused}) `;
    return `${quoted(word)} ${whole}${REFUSED.get(refused)}`;
  }
  if (unknown !== undefined) return `${quoted(word)} has ${quoted(unknown)}, no option of qsub`;
  const last = letters.at(-1);
  if (last === "q" && value.includes("@"))
    return `the queue ${quoted(value)} is on another server, where the driver does not look for the job`;
  if (last === "W" && !ATTRIBUTE.test(value))
    return `-W ${quoted(value)} may set what the driver sets; allowed, one at a time and without quotes: depend=, group_list=, release_nodes_on_stageout=, tolerate_node_failures=`;
  return undefined;
}

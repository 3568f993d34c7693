import type { Refusal, Verdict } from "../../plan/decision.ts";
import { quoted } from "../../plan/quoted.ts";
import { checkWords, type Examined, entriesOf, strayMessage, WHY } from "./arguments.ts";
import type { ArgumentOrigin } from "./scheduler.ts";

/** bsub's options with a value, which is the next word: those of versions 9.1 and 10.1. */
const WITH_VALUE = new Set(
  (
    "a alloc_flags app b C c clusters cn_cu cn_mem core_isolation csm cwd D data datagrp E e env eo Ep eptl " +
    "ext extsched F f file freq G g gpu hostfile i is J Jd jobaff json jsdl jsdl_strict jsm k L ln_mem ln_slots Lp " +
    "M m mig n network nnodes notify o oo outdir P p pack ptl Q q R rcacct S s sla smt sp stage step_cgroup " +
    "T t U u v W w wa We Wp wt yaml"
  ).split(" "),
);
const FLAGS = new Set(
  "ar B datachk H h help hl I Ip IS Is ISp ISs IX K N Ne r rn rnc ti tty ul V x XF Zs".split(" "),
);

const INTERACTIVE = "would tie the job to a terminal and a connection of the runner's";
const MAIL = "makes LSF send mail; GitLab tells of a job's end";
const RERUN = "decides about running the script again; retry: is GitLab's way";
const HOOKS = "would run commands of its own around the script; before_script is GitLab's way";
const FROM_FILE = "takes jobs or options from a file, which the driver does not see";
const SIGNALS = "changes the signals by which the driver knows that the job was cut short";
const SUBMITS_NOTHING = "makes bsub submit no job";
const MOVES = "lets LSF stop the script and start it again elsewhere";

/** Options that would take the job out of the driver's hands, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...entriesOf("o oo", WHY.output),
  ...entriesOf("e eo", WHY.error),
  ...entriesOf("i is", WHY.input),
  ...entriesOf("I Ip IS Is ISp ISs IX tty XF", INTERACTIVE),
  ["K", "would block bsub; the driver itself waits for the job"],
  ["J", WHY.name],
  ...entriesOf("N Ne B u notify", MAIL),
  ...entriesOf("cwd outdir", WHY.directory),
  ...entriesOf("env L ul", WHY.environment),
  ...entriesOf("r rn rnc Q", RERUN),
  ["H", WHY.hold],
  ["f", "copies files to and from the node; artifacts: and cache: are GitLab's way"],
  ...entriesOf("E Ep", HOOKS),
  ["Zs", "copies the driver's program to a place that others may read"],
  ...entriesOf("pack jsdl jsdl_strict file json yaml jsm", FROM_FILE),
  ...entriesOf("k mig", MOVES),
  ["clusters", WHY.otherCluster],
  ...entriesOf("s wa wt", SIGNALS),
  ...entriesOf("h help V", SUBMITS_NOTHING),
]);

/** What an administrator may write and a user may not. */
const ADMIN_ONLY: ReadonlyMap<string, string> = new Map([
  [
    "a",
    "names submission programs of the site, which may change anything; [batch] default_args may",
  ],
]);

/** Checks words for bsub's command line; see `Scheduler.checkArguments`. */
export function checkLsfArguments(
  words: readonly string[],
  origin: ArgumentOrigin,
): Verdict<readonly string[]> {
  return checkWords(words, origin, (word, next) => examine(word, next, origin.fault));
}

function examine(word: string, next: string | undefined, fault: Refusal["fault"]): Examined {
  const stray = strayWord(word);
  if (stray !== undefined) return { never: strayMessage(word, stray), takesNext: false };
  const name = word.slice(1);
  const takesNext = WITH_VALUE.has(name);
  const why = objection(name, fault) ?? (takesNext ? flawOf(name, next) : undefined);
  const illegal = why && `${quoted(word)} ${why}`;
  return { takesNext, ...(illegal && { illegal }) };
}

/** What no administrator can allow: bsub takes the first word that is no option for the command, and all after it. */
function strayWord(word: string): string | undefined {
  if (word === "--") return "would end bsub's options";
  if (word.startsWith("-") && word !== "-") return undefined;
  return "would become the command; wanted: options of bsub such as -W 10";
}

function objection(name: string, fault: Refusal["fault"]): string | undefined {
  const refused = REFUSED.get(name) ?? (fault === "admin" ? undefined : ADMIN_ONLY.get(name));
  if (refused !== undefined || WITH_VALUE.has(name) || FLAGS.has(name)) return refused;
  const letter = name.slice(0, 1);
  if (WITH_VALUE.has(letter)) {
    // bsub's own reading of glued values differs between versions.
    const whole = REFUSED.has(letter) ? `; -${letter} ${REFUSED.get(letter)}` : "";
    return `is no option of bsub that the driver knows; a value is a word of its own, as in -${letter} VALUE${whole}`;
  }
  return "is no option of bsub that the driver knows";
}

/** Why the value of an allowed option cannot be used. */
function flawOf(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (name === "m" && value.includes("@")) return `${quoted(value)} ${WHY.otherCluster}`;
  // `-gpu -` asks for the default GPU; else it is not known whether bsub takes the word for an option.
  if (value.startsWith("-") && value !== "-")
    return `needs a value, and ${quoted(value)} is an option`;
  return undefined;
}

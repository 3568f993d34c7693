import { accept, type Refusal, refuse, type Verdict } from "../../plan/decision.ts";
import { quoted } from "../../plan/quoted.ts";
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

const OUTPUT = "is set by the driver: it follows the job's output";
const INPUT = "would give the script another standard input than on the host";
const INTERACTIVE = "would tie the job to a terminal and a connection of the runner's";
const MAIL = "makes LSF send mail; GitLab tells of a job's end";
const DIRECTORY = "is set by the driver: the job starts in the CI job's directory";
const ENVIRONMENT = "is set by the driver: the script's environment comes from the CI job";
const RERUN = "decides about running the script again; retry: is GitLab's way";
const HOOKS = "would run commands of its own around the script; before_script is GitLab's way";
const FROM_FILE = "takes jobs or options from a file, which the driver does not see";
const OTHER_CLUSTER = "would send the job to a cluster where the driver does not look for it";
const SIGNALS = "changes the signals by which the driver knows that the job was cut short";
const SUBMITS_NOTHING = "makes bsub submit no job";
const MOVES = "lets LSF stop the script and start it again elsewhere";

/** Options that would take the job out of the driver's hands, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...["o", "oo"].map((name) => [name, OUTPUT] as const),
  ...["e", "eo"].map(
    (name) => [name, "would split the job's output, which goes to the job log as a whole"] as const,
  ),
  ...["i", "is"].map((name) => [name, INPUT] as const),
  ...["I", "Ip", "IS", "Is", "ISp", "ISs", "IX", "tty", "XF"].map(
    (name) => [name, INTERACTIVE] as const,
  ),
  ["K", "would block bsub; the driver itself waits for the job"],
  ["J", "is set by the driver: it finds the job by its name"],
  ...["N", "Ne", "B", "u", "notify"].map((name) => [name, MAIL] as const),
  ...["cwd", "outdir"].map((name) => [name, DIRECTORY] as const),
  ...["env", "L", "ul"].map((name) => [name, ENVIRONMENT] as const),
  ...["r", "rn", "rnc", "Q"].map((name) => [name, RERUN] as const),
  ["H", "would leave the job waiting until somebody releases it"],
  ["f", "copies files to and from the node; artifacts: and cache: are GitLab's way"],
  ...["E", "Ep"].map((name) => [name, HOOKS] as const),
  ["Zs", "copies the driver's program to a place that others may read"],
  ...["pack", "jsdl", "jsdl_strict", "file", "json", "yaml", "jsm"].map(
    (name) => [name, FROM_FILE] as const,
  ),
  ...["k", "mig"].map((name) => [name, MOVES] as const),
  ["clusters", OTHER_CLUSTER],
  ...["s", "wa", "wt"].map((name) => [name, SIGNALS] as const),
  ...["h", "help", "V"].map((name) => [name, SUBMITS_NOTHING] as const),
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
  const { fault, from, allowIllegal } = origin;
  const no = (message: string) => refuse(fault, `${from}: ${message}`, from);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const stray = strayWord(word);
    if (stray !== undefined) return no(`the word ${quoted(word)} ${stray}`);
    const name = word.slice(1);
    const takesNext = WITH_VALUE.has(name);
    if (!allowIllegal) {
      const why = objection(name, fault) ?? (takesNext ? flawOf(name, words[i + 1]) : undefined);
      if (why !== undefined) return no(`${quoted(word)} ${why}`);
    }
    if (!takesNext) continue;
    if (++i >= words.length) return no(`the option ${quoted(word)} needs a value`);
  }
  return accept(words);
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
  if (name === "m" && value.includes("@")) return `${quoted(value)} ${OTHER_CLUSTER}`;
  // `-gpu -` asks for the default GPU; else it is not known whether bsub takes the word for an option.
  if (value.startsWith("-") && value !== "-")
    return `needs a value, and ${quoted(value)} is an option`;
  return undefined;
}

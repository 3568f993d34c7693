import type { Verdict } from "../../plan/decision.ts";
import { quoted } from "../../plan/quoted.ts";
import {
  checkWords,
  type Examined,
  entriesOf,
  needsValue,
  shortOptions,
  strayMessage,
  WHY,
} from "./arguments.ts";
import type { ArgumentOrigin } from "./scheduler.ts";

type Kind = "flag" | "required" | "optional";

const ALLOWED: ReadonlyMap<string, Kind> = new Map([
  ...entriesOf<Kind>(
    "bank queue time-limit nslots cores-per-slot gpus-per-slot nodes requires require dependency " +
      "begin-time rlimit resources-shape urgency setopt setattr",
    "required",
  ),
  ...entriesOf<Kind>("exclusive unbuffered", "flag"),
]);

const SHORT = shortOptions(
  "B:bank q:queue t:time-limit n:nslots c:cores-per-slot g:gpus-per-slot N:nodes x:exclusive " +
    "u:unbuffered o:setopt S:setattr l:label-io",
);

const SUBMITS_NOTHING = "makes flux batch submit no job";
const OTHER_INSTANCE = "would change the Flux instance that runs the driver's own program";
const FILES = "would read or write files beside the job's own";

/** Options that would take the job out of the driver's hands, with their kind, and why. */
const REFUSED: ReadonlyMap<string, readonly [Kind, string]> = new Map([
  ["add-brokers", ["required", OTHER_INSTANCE]],
  ["add-file", ["required", FILES]],
  ["broker-opt", ["required", OTHER_INSTANCE]],
  ["broker-opts", ["required", OTHER_INSTANCE]],
  ["conf", ["required", OTHER_INSTANCE]],
  ["cwd", ["required", WHY.directory]],
  ["debug-emulate", ["flag", "is for developers of Flux"]],
  ["dry", ["flag", SUBMITS_NOTHING]],
  ["dry-run", ["flag", SUBMITS_NOTHING]],
  ["dump", ["optional", FILES]],
  ["env", ["required", WHY.environment]],
  ["env-file", ["required", WHY.environment]],
  ["env-remove", ["required", WHY.environment]],
  ["error", ["required", WHY.error]],
  ["flags", ["required", "would change how Flux treats the job, which the driver relies on"]],
  ["help", ["optional", SUBMITS_NOTHING]],
  ["input", ["required", WHY.input]],
  ["job-name", ["required", WHY.name]],
  ["label-io", ["flag", "would put a task's number before each line of the job log"]],
  ["list-plugins", ["flag", SUBMITS_NOTHING]],
  ["output", ["required", WHY.output]],
  ["quiet", ["flag", "hides the job's id, which the driver needs"]],
  ["resources-json", ["required", FILES]],
  ["signal", ["required", "would let a script that was cut short look as if it had ended well"]],
  ["wrap", ["flag", "would replace the CI job's script"]],
]);

/** Shell options that neither touch output, input and signals nor load code. */
const SHELL_OPTION =
  /^(cpu-affinity|gpu-affinity|pmi|taskmap|exit-timeout|oom\.adjust|hwloc\.[\w.-]+)(=|$)/;
const URGENCY = /^([1-9]\d?|default|expedite)$/i;

/** An option as written, and what flux batch makes of it. */
interface Reading {
  /** The option without an attached value. */
  readonly written: string;
  /** More than one where letters are joined. */
  readonly names: readonly string[];
  /** The value of the last one; undefined: none in this word. */
  readonly value?: string;
  readonly takesNext: boolean;
  /** Why it is no option that can be used. */
  readonly flaw?: string;
}

/** Checks words for flux batch's command line; see `Scheduler.checkArguments`. */
export function checkFluxArguments(
  words: readonly string[],
  origin: ArgumentOrigin,
): Verdict<readonly string[]> {
  return checkWords(words, origin, examine);
}

function examine(word: string, next: string | undefined): Examined {
  const option = word.startsWith("--") ? readLong(word.slice(2)) : readShort(word.slice(1));
  const { takesNext, written } = option;
  const stray = strayWord(word, option);
  if (stray !== undefined) return { never: strayMessage(word, stray), takesNext };
  const value = takesNext ? next : (option.value ?? "");
  if (value === undefined || (takesNext && value.startsWith("-")))
    return { never: needsValue(word), takesNext };
  const why = objection(option) ?? valueObjection(option, value);
  const illegal = why && `${quoted(written)} ${why}`;
  return { takesNext, ...(illegal && { illegal }) };
}

/**
 * What no administrator can allow: words that flux batch would run instead of the driver's program. To its parser these
 * are also negative numbers, and words with a blank that begin like no option that it knows.
 */
function strayWord(word: string, { flaw }: Reading): string | undefined {
  if (word === "--") return "would end flux batch's options";
  const isOption = word.startsWith("-") && word !== "-" && !/^-[.\d]/.test(word);
  if (isOption && (flaw === undefined || !word.includes(" "))) return undefined;
  return "would become the script; wanted: options of flux batch such as --time-limit=10m";
}

function objection({ written, names, flaw }: Reading): string | undefined {
  const refused = names.find((name) => REFUSED.has(name));
  if (refused === undefined) return flaw;
  const whole = written === `--${refused}` ? "" : `(--${refused}) `;
  return `${whole}${REFUSED.get(refused)?.[1]}`;
}

/** Shell options and attributes can say all that the refused options say, and are applied after these. */
function valueObjection({ names }: Reading, value: string): string | undefined {
  switch (names.at(-1)) {
    case "setopt":
      return SHELL_OPTION.test(value)
        ? undefined
        : `sets the shell option ${quoted(value)}, which may change the job's output, signals or program`;
    case "setattr":
      return /^user\.[\w.-]+(=|$)/.test(value)
        ? undefined
        : `sets ${quoted(value)}; only attributes below user. cannot undo what the driver sets`;
    case "urgency":
      return URGENCY.test(value)
        ? undefined
        : "must be 1 to 31, default or expedite: 0 would leave the job waiting for ever";
    default:
      return undefined;
  }
}

function readLong(text: string): Reading {
  const at = text.indexOf("=");
  const name = at === -1 ? text : text.slice(0, at);
  const written = `--${name}`;
  const attached = at === -1 ? {} : { value: text.slice(at + 1) };
  const kind = kindOfOption(name);
  if (kind !== undefined) {
    const takesNext = at === -1 && kind === "required";
    return { written, names: [name], takesNext, ...attached };
  }
  // Old versions complete names, and a refused one must not get through by that.
  const meant = name === "" ? [] : [...REFUSED.keys()].filter((one) => one.startsWith(name));
  const like = name === "" ? undefined : [...ALLOWED.keys()].find((one) => one.startsWith(name));
  const flaw =
    like === undefined
      ? "is no option of flux batch that the driver knows"
      : `is no option of flux batch; write --${like} in full`;
  return { written, names: like === undefined ? meant.slice(0, 1) : [], takesNext: false, flaw };
}

/** Letters combine (`-xN2`); the first that takes a value takes the rest of the word, else the next word. */
function readShort(letters: string): Reading {
  const written = `-${letters}`;
  const names: string[] = [];
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i] ?? "";
    const name = SHORT.get(letter);
    if (name === undefined) {
      const flaw = `has ${quoted(letter)}, no option of flux batch that the driver knows`;
      return { written, names, takesNext: false, flaw };
    }
    names.push(name);
    if (kindOfOption(name) === "flag") continue;
    const value = letters.slice(i + 1);
    if (value === "") return { written, names, takesNext: true };
    // Whether the sign belongs to the value depends on the version of Python.
    if (value.startsWith("=")) {
      const flaw = `needs its value without a sign: -${letter}${value.slice(1)}`;
      return { written, names, takesNext: false, flaw };
    }
    return { written, names, value, takesNext: false };
  }
  return { written, names, takesNext: false };
}

function kindOfOption(name: string): Kind | undefined {
  return ALLOWED.get(name) ?? REFUSED.get(name)?.[0];
}

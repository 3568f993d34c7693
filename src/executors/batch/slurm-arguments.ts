import type { Verdict } from "../../plan/decision.ts";
import { quoted } from "../../plan/quoted.ts";
import {
  checkWords,
  type Examined,
  entriesOf,
  shortOptions,
  strayMessage,
  WHY,
} from "./arguments.ts";
import type { ArgumentOrigin } from "./scheduler.ts";

/** `attached`: takes a value, and only `--name=value` is safe, since versions or sources differ on the other form. */
type Kind = "flag" | "required" | "optional" | "attached";

const REQUIRED =
  "account acctg-freq array batch bb bbf begin chdir cluster cluster-constraint clusters comment " +
  "constraint container core-spec cores-per-socket cpu-freq cpus-per-gpu cpus-per-task deadline " +
  "delay-boot dependency distribution error exclude export export-file extra-node-info gid gpu-bind " +
  "gpu-freq gpus gpus-per-node gpus-per-socket gpus-per-task gres gres-flags hint input job-name " +
  "kill-on-invalid-dep licenses mail-type mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu " +
  "mincpus network nodefile nodelist nodes ntasks ntasks-per-core ntasks-per-gpu ntasks-per-node " +
  "ntasks-per-socket ntasks-per-tres open-mode output partition power prefer priority profile qos " +
  "reservation signal sockets-per-node switches tasks-per-node thread-spec threads-per-core time " +
  "time-min tmp uid wait-all-nodes wckey wrap";
const FLAGS =
  "consolidate-segments contiguous help hold ignore-pbs no-requeue overcommit oversubscribe parsable " +
  "quiet reboot requeue spread-job spread-segments stepmgr test-only usage use-min-nodes verbose " +
  "version wait";
const OPTIONAL = "exclusive get-user-env nice no-kill propagate";
const ATTACHED =
  "container-id container-type context extra mem-update oom-kill-step resources resv-ports segment " +
  "tres-bind tres-per-task";

/** sbatch's long options: 22.05's, and what versions up to 26.05 added. */
const LONG: ReadonlyMap<string, Kind> = new Map([
  ...entriesOf<Kind>(REQUIRED, "required"),
  ...entriesOf<Kind>(FLAGS, "flag"),
  ...entriesOf<Kind>(OPTIONAL, "optional"),
  ...entriesOf<Kind>(ATTACHED, "attached"),
]);

const SHORT = shortOptions(
  "a:array A:account b:begin B:extra-node-info c:cpus-per-task C:constraint d:dependency D:chdir " +
    "e:error F:nodefile G:gpus h:help H:hold i:input J:job-name k:no-kill L:licenses m:distribution " +
    "M:clusters n:ntasks N:nodes o:output O:overcommit p:partition q:qos Q:quiet s:oversubscribe " +
    "S:core-spec t:time v:verbose V:version w:nodelist W:wait x:exclude",
);

const SUBMITS_NOTHING = "makes sbatch submit no job";
const OTHER_CONTAINER = "would run the driver's own program in a container; a job names its image:";

/** Options that would take the job out of the driver's hands, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["array", WHY.array],
  ["bbf", "makes sbatch read a file at submission; write the specification into --bb"],
  ["chdir", WHY.directory],
  ["cluster", WHY.otherCluster],
  ["clusters", WHY.otherCluster],
  ["container", OTHER_CONTAINER],
  ["container-id", OTHER_CONTAINER],
  ["container-type", OTHER_CONTAINER],
  ["error", WHY.error],
  ["export", WHY.environment],
  ["export-file", WHY.environment],
  [
    "get-user-env",
    "would run the login shell before the job; its environment comes from the CI job",
  ],
  ["gid", WHY.otherUser],
  ["help", SUBMITS_NOTHING],
  ["hold", WHY.hold],
  ["input", WHY.input],
  ["job-name", WHY.name],
  ["open-mode", WHY.output],
  ["output", WHY.output],
  ["parsable", "is set by the driver: it reads the job's number"],
  ["quiet", "hides the job's number, which the driver needs"],
  ["requeue", "would run the script again after a failure; retry: is GitLab's way"],
  ["test-only", SUBMITS_NOTHING],
  ["uid", WHY.otherUser],
  ["usage", SUBMITS_NOTHING],
  ["verbose", "mixes messages into what the driver reads"],
  ["version", SUBMITS_NOTHING],
  ["wait", "would block sbatch; the driver itself waits for the job"],
  ["wrap", "would replace the CI job's script"],
]);

/** An option as written, and what sbatch makes of it. */
interface Reading {
  /** The option without an attached value. */
  readonly written: string;
  /** More than one where letters are joined. */
  readonly names: readonly string[];
  readonly takesNext: boolean;
  /** Why it cannot be used although its name is no refused one. */
  readonly flaw?: string;
}

/** Checks words for sbatch's command line; see `Scheduler.checkArguments`. */
export function checkSlurmArguments(
  words: readonly string[],
  origin: ArgumentOrigin,
): Verdict<readonly string[]> {
  return checkWords(words, origin, examine);
}

function examine(word: string): Examined {
  const stray = strayWord(word);
  if (stray !== undefined) return { never: strayMessage(word, stray), takesNext: false };
  const option = word.startsWith("--") ? readLong(word.slice(2)) : readShort(word.slice(1));
  const why = objection(option);
  const illegal = why && `${quoted(option.written)} ${why}`;
  return { takesNext: option.takesNext, ...(illegal && { illegal }) };
}

/** What no administrator can allow: words that sbatch would run instead of the driver's program. */
function strayWord(word: string): string | undefined {
  if (word === "--") return "would end sbatch's options";
  if (word === ":") return "would start a second job of a heterogeneous one";
  if (!word.startsWith("-") || word === "-")
    return "would become the script; wanted: options of sbatch such as --time=10";
  return undefined;
}

function objection({ written, names, flaw }: Reading): string | undefined {
  const refused = names.find((name) => REFUSED.has(name));
  // `--exp` is a refused option in every version; `--ex` may be another one.
  if (refused === undefined || (flaw !== undefined && !names.every((name) => REFUSED.has(name))))
    return flaw;
  const whole = written === `--${refused}` ? "" : `(--${refused}) `;
  return `${whole}${REFUSED.get(refused)}`;
}

function readLong(text: string): Reading {
  const at = text.indexOf("=");
  const name = at === -1 ? text : text.slice(0, at);
  const written = `--${name}`;
  const names = resolveName(name);
  if (names.length !== 1) {
    const flaw =
      names.length === 0
        ? "is no option of sbatch that the driver knows"
        : `can mean ${names.map((one) => `--${one}`).join(", ")}; write the name in full`;
    return { written, names, takesNext: false, flaw };
  }
  const kind = LONG.get(names[0] ?? "");
  if (kind === "attached" && at === -1) {
    return { written, names, takesNext: false, flaw: `needs its value in one word: ${written}=…` };
  }
  return { written, names, takesNext: kind === "required" && at === -1 };
}

/** As getopt_long has it: the name itself, else all that begin with it. */
function resolveName(name: string): readonly string[] {
  if (LONG.has(name)) return [name];
  return [...LONG.keys()].filter((one) => one.startsWith(name));
}

/** Letters combine (`-HN2`); the first that takes a value takes the rest of the word, else the next word. */
function readShort(letters: string): Reading {
  const written = `-${letters}`;
  const names: string[] = [];
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i] ?? "";
    const name = SHORT.get(letter);
    if (name === undefined) {
      return {
        written,
        names,
        takesNext: false,
        flaw: `has ${quoted(letter)}, no option of sbatch`,
      };
    }
    names.push(name);
    const kind = LONG.get(name);
    if (kind === "flag") continue;
    const isLast = i === letters.length - 1;
    return { written, names, takesNext: kind === "required" && isLast };
  }
  return { written, names, takesNext: false };
}

import { accept, type Refusal, refuse, type Verdict } from "../plan/decision.ts";
import { quoted } from "../plan/quoted.ts";

/** Options of ch-run, 0.31 to 0.45, by what they do with a value. */
const LONG: Readonly<Record<string, "flag" | "required" | "optional">> = {
  "abort-fatal": "flag",
  bind: "required",
  cd: "required",
  cdi: "optional",
  "cdi-dirs": "required",
  "ch-ssh": "flag",
  color: "optional",
  "env-no-expand": "flag",
  feature: "required",
  "fuse-single": "flag",
  gid: "required",
  help: "flag",
  home: "flag",
  join: "flag",
  "join-ct": "required",
  "join-pid": "required",
  "join-tag": "required",
  mount: "required",
  "no-home": "flag",
  "no-passwd": "flag",
  "private-tmp": "flag",
  quiet: "flag",
  seccomp: "flag",
  "set-env": "optional",
  "set-env0": "optional",
  storage: "required",
  test: "required",
  uid: "required",
  unsafe: "flag",
  "unset-env": "required",
  usage: "flag",
  verbose: "flag",
  version: "flag",
  warnings: "required",
  write: "flag",
  "write-fake": "optional",
};
const SHORT: Readonly<Record<string, string>> = {
  b: "bind",
  c: "cd",
  d: "cdi",
  g: "gid",
  j: "join",
  m: "mount",
  q: "quiet",
  s: "storage",
  t: "private-tmp",
  u: "uid",
  v: "verbose",
  V: "version",
  w: "write",
  W: "write-fake",
  "?": "help",
};

/** Options that would take away what the driver itself relies on, and what to use instead. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ["quiet", "silences the job's own output; leave it out"],
  ["storage", "names another image storage; admins set [general.charliecloud] image_storage_dir"],
]);

/** One option of a ch-run command line. */
export interface ChRunOption {
  /** The option, and its value when that is a word of its own. */
  readonly words: readonly string[];
  /** The value of `--bind`, as written: `SRC[:DST]`. */
  readonly bind?: string;
}

/**
 * Checks words that go before the image on a ch-run command line: each must be an option or an option's value, since
 * any other word would become the image, and `--` would end the options.
 */
export function checkOptions(
  words: readonly string[],
  fault: Refusal["fault"],
  from: string,
): Verdict<readonly ChRunOption[]> {
  const options: ChRunOption[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const option = readOption(word);
    if (option === undefined) {
      const what = word === "--" ? "would end ch-run's options" : "would become the image";
      return refuse(
        fault,
        `${from}: the word ${quoted(word)} ${what}; wanted: options of ch-run such as --bind=SRC:DST`,
        from,
      );
    }
    const why = option.names.map((name) => RESERVED.get(name)).find((text) => text !== undefined);
    if (why !== undefined) return refuse(fault, `${from}: the option ${quoted(word)} ${why}`, from);
    let value = option.value;
    if (option.takesNext) {
      value = words[++i];
      if (value === undefined) {
        return refuse(fault, `${from}: the option ${quoted(word)} needs a value`, from);
      }
    }
    const whole = option.takesNext ? [word, value ?? ""] : [word];
    const bind = option.names.at(-1) === "bind" ? value : undefined;
    options.push(bind === undefined ? { words: whole } : { words: whole, bind });
  }
  return accept(options);
}

interface Reading {
  /** More than one where short options are joined; the last is the one that may have a value. */
  readonly names: readonly string[];
  readonly value?: string;
  readonly takesNext: boolean;
}

function readOption(word: string): Reading | undefined {
  if (word === "--" || word === "-" || !word.startsWith("-")) return undefined;
  return word.startsWith("--") ? readLong(word.slice(2)) : readShort(word.slice(1));
}

function readLong(text: string): Reading {
  const [written = "", ...rest] = text.split("=");
  const name = resolveName(written);
  return rest.length > 0
    ? { names: [name], value: rest.join("="), takesNext: false }
    : { names: [name], takesNext: LONG[name] === "required" };
}

/** A unique beginning of a long option stands for it, as getopt_long has it. */
function resolveName(written: string): string {
  if (Object.hasOwn(LONG, written)) return written;
  const matches = Object.keys(LONG).filter((name) => name.startsWith(written));
  return matches.length === 1 ? (matches[0] ?? written) : written;
}

/** Short options combine (`-vb/data`); the first that takes a value takes the rest of the word. */
function readShort(letters: string): Reading {
  const names: string[] = [];
  for (let i = 0; i < letters.length; i++) {
    const name = SHORT[letters[i] ?? ""] ?? "";
    const kind = LONG[name] ?? "flag";
    names.push(name);
    if (kind === "flag") continue;
    const value = letters.slice(i + 1);
    return value !== ""
      ? { names, value, takesNext: false }
      : { names, takesNext: kind === "required" };
  }
  return { names, takesNext: false };
}

import { accept, type Refusal, refuse, type Verdict } from "../plan/decision.ts";

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

export interface CheckedOptions {
  readonly words: readonly string[];
  /** Bind mounts among them, as written: `SRC[:DST]`. */
  readonly binds: readonly string[];
}

/**
 * Checks words that go before the image on a ch-run command line: each must be an option or an option's value, since
 * any other word would become the image, and `--` would end the options.
 */
export function checkOptions(
  words: readonly string[],
  fault: Refusal["fault"],
  from: string,
): Verdict<CheckedOptions> {
  const binds: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const option = readOption(word);
    if (option === undefined) {
      const what = word === "--" ? "would end ch-run's options" : "would become the image";
      return refuse(
        fault,
        `${from}: the word ${JSON.stringify(word)} ${what}; wanted: options of ch-run such as --bind=SRC:DST`,
        from,
      );
    }
    let value = option.value;
    if (option.takesNext) {
      value = words[++i];
      if (value === undefined) {
        return refuse(fault, `${from}: the option ${JSON.stringify(word)} needs a value`, from);
      }
    }
    if (option.name === "bind" && value !== undefined) binds.push(value);
  }
  return accept({ words, binds });
}

function readOption(
  word: string,
): { name: string; value?: string; takesNext: boolean } | undefined {
  if (word === "--" || word === "-" || !word.startsWith("-")) return undefined;
  return word.startsWith("--") ? readLong(word.slice(2)) : readShort(word.slice(1));
}

function readLong(text: string): { name: string; value?: string; takesNext: boolean } {
  const [written = "", ...rest] = text.split("=");
  const name = resolveName(written);
  return rest.length > 0
    ? { name, value: rest.join("="), takesNext: false }
    : { name, takesNext: LONG[name] === "required" };
}

/** A unique beginning of a long option stands for it, as getopt_long has it. */
function resolveName(written: string): string {
  if (written in LONG) return written;
  const matches = Object.keys(LONG).filter((name) => name.startsWith(written));
  return matches.length === 1 ? (matches[0] ?? written) : written;
}

/** Short options combine (`-vb/data`); the first that takes a value takes the rest of the word. */
function readShort(letters: string): { name: string; value?: string; takesNext: boolean } {
  let name = "";
  for (let i = 0; i < letters.length; i++) {
    name = SHORT[letters[i] ?? ""] ?? "";
    const kind = LONG[name] ?? "flag";
    if (kind === "flag") continue;
    const value = letters.slice(i + 1);
    if (value !== "") return { name, value, takesNext: false };
    return { name, takesNext: kind === "required" };
  }
  return { name, takesNext: false };
}

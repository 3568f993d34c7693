import containerEntry from "./container-entry.sh" with { type: "text" };
import hostEntry from "./host-entry.bash" with { type: "text" };
import { quoteWord } from "./quote.ts";

const SCRIPT_MARK = "#JACAMAR_SCRIPT\n";
const GATE_MARK = "#JACAMAR_GATE\n";
/** Has no name of its own: that could be a variable of the job. */
const GATE = `# The script starts when the program outside says so; it has noted where this one runs.
read -r before || cut=1
[ "\${before-}" = go ] || { printf 'v1 ended 125 1\\n' >> "$record"; exit 125; }
`;

/**
 * The program that a clean login shell runs for a host stage: the job's script with its status recorded.
 * The script runs in the login shell itself (a subshell of it), so that functions of the user's profile exist.
 */
export function hostEntryProgram(values: {
  readonly record: string;
  /** A directory that holds `gitlab-runner`, used when the login shell's PATH has none; or empty. */
  readonly fallback: string;
  /** Text of the script that gitlab-runner generated. */
  readonly script: string;
}): string {
  const { record, fallback, script } = values;
  const [head = "", tail = ""] = hostEntry.split(SCRIPT_MARK);
  const body = script.endsWith("\n") ? script : `${script}\n`;
  return `record=${quoteWord(record)}\nfallback=${quoteWord(fallback)}\n${head}${body}${tail}`;
}

/** The program that starts inside the image. */
export function containerEntryProgram(values: {
  /** Absolute path, inside the image, of the shell that starts this program. */
  readonly interpreter: string;
  /** Absolute path, inside the image, of the shell that runs the script. */
  readonly shell: string;
  readonly script: string;
  readonly record: string;
  /** The script does not start before `go` comes from stdin, as the batch job's program sends it. */
  readonly gated?: boolean;
}): string {
  const { interpreter, shell, script, record, gated = false } = values;
  const assignments = `shell=${quoteWord(shell)}\nscript=${quoteWord(script)}\nrecord=${quoteWord(record)}\n`;
  const entry = containerEntry.replace(GATE_MARK, () => (gated ? GATE : ""));
  return `#!${interpreter}\n${assignments}${entry}`;
}

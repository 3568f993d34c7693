import batchJob from "./batch-job.bash" with { type: "text" };
import containerEntry from "./container-entry.sh" with { type: "text" };
import hostEntry from "./host-entry.bash" with { type: "text" };
import { quoteWord } from "./quote.ts";
import supervise from "./supervise.bash" with { type: "text" };

const SCRIPT_MARK = "#JACAMAR_SCRIPT\n";
const GATE_MARK = "#JACAMAR_GATE\n";
/** Has no name of its own: that could be a variable of the job. */
const GATE = `# The script starts when the program outside says so; it has noted where this one runs.
read -r before || cut=1
[ "\${before-}" = go ] || { printf 'v1 ended 125 1\\n' >> "$record"; exit 125; }
`;

/** The program that supervises a stage; its header documents the arguments. */
export function superviseProgram(): string {
  return supervise;
}

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

/** What the program on a batch job's node must know. */
export interface BatchJobProgram {
  /** Absolute path of Bash on the node. */
  readonly bash: string;
  readonly kind: "host" | "container";
  /** Command with the path of its entry program. A container's entry program should be `gated`. */
  readonly command: readonly string[];
  /** A 0600 file with `batchEnvironment`. @default {the command gets the scheduler's environment} */
  readonly environment?: string;
  /** Where the command starts. */
  readonly directory: string;
  /** Written by the entry program. */
  readonly record: string;
  /** Becomes `v1 ID RESTARTS NONCE WORD STATUS`, WORD being exited, cut or none. */
  readonly marker: string;
  /** Gets a line `NONCE ID RESTARTS` for each start of the program. */
  readonly started: string;
  /** One word, unique among all jobs. */
  readonly nonce: string;
  /** Milliseconds between TERM and KILL; well below the scheduler's own. */
  readonly killGrace: number;
  /** File for all output, appended to. @default {where the scheduler puts it} */
  readonly output?: string;
  /** In octal, for the command. @default {the scheduler's} */
  readonly umask?: string;
  /** End with 0 or 1 only. @default {false} */
  readonly plainExit?: boolean;
  /** Variables that may hold the job's id; the first one set counts. */
  readonly idVariables?: readonly string[];
  /** Variable that counts restarts, absent in the first run. */
  readonly restartVariable?: string;
}

const ID_VARIABLES = ["SLURM_JOB_ID", "FLUX_JOB_ID", "PBS_JOBID", "LSB_JOBID"];

/** The program that a batch scheduler starts on a node; batch-job.bash documents what it does. Holds no secret. */
export function batchJobProgram(job: BatchJobProgram): string {
  const values = {
    kind: job.kind,
    directory: job.directory,
    environment: job.environment ?? "",
    mask: job.umask ?? "",
    record: job.record,
    marker: job.marker,
    started: job.started,
    nonce: job.nonce,
    grace: String(Math.round(job.killGrace)),
    output: job.output ?? "",
    plain_exit: job.plainExit ? "1" : "0",
    id_names: (job.idVariables ?? ID_VARIABLES).join(" "),
    restart_name: job.restartVariable ?? "SLURM_RESTART_COUNT",
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}=${quoteOnOneLine(value)}`);
  const command = `command=(${job.command.map(quoteOnOneLine).join(" ")})`;
  // -p: no BASH_ENV. The second line ends the search for a scheduler's directives.
  return `#!${job.bash} -p\n:\n${[...lines, command].join("\n")}\n${batchJob}`;
}

/** The text of a batch job's environment file. */
export function batchEnvironment(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}\0`)
    .join("");
}

/** For Bash: no line of a program begins with what a value holds. */
function quoteOnOneLine(value: string): string {
  if (!value.includes("\n")) return quoteWord(value);
  const escaped = value.replaceAll(/[\\']/g, "\\$&").replaceAll("\n", "\\n");
  return `$'${escaped}'`;
}

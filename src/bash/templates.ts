import batchJob from "./batch-job.bash" with { type: "text" };
import ending from "./ending.bash" with { type: "text" };
import processes from "./processes.bash" with { type: "text" };
import { quoteWord } from "./quote.ts";
import summary from "./summary.bash" with { type: "text" };
import supervise from "./supervise.bash" with { type: "text" };

/** The start of a job's summary, for the program that ends it. */
export interface SummaryProgram {
  readonly sections: boolean;
  /** At least one. */
  readonly lines: readonly string[];
}

/** The program that supervises a stage; its header documents the arguments. With `start` it prints a summary at its end. */
export function superviseProgram(start?: SummaryProgram): string {
  if (start === undefined) return whole(supervise, { ...PARTS, [SUMMARY]: "" });
  const figures = start.lines.map(quoteOnOneLine).join(" ");
  const values = `section=${start.sections ? 1 : 0}\nfigures=(${figures})\n`;
  return whole(supervise, { ...PARTS, [SUMMARY]: `${values}${summary}` });
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
  /** Gets a line `NONCE ID RESTARTS NODE` for each start of the program. */
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
  return `#!${job.bash} -p\n:\n${[...lines, command].join("\n")}\n${whole(batchJob)}`;
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

const SUMMARY = "summary.bash";
const PARTS: Readonly<Record<string, string>> = {
  "ending.bash": ending,
  "processes.bash": processes,
};

/** One text, since nothing else of the driver is where the program runs: each `source NAME` becomes that part. */
function whole(program: string, parts: Readonly<Record<string, string>> = PARTS): string {
  return program.replaceAll(/^source (\S+)\n/gm, (_line, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`no part ${name}`);
    return part;
  });
}

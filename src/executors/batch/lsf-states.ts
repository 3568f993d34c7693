import type { Ending, JobState } from "./scheduler.ts";

/** What LSF says of a job, as printed; `-` or empty where it says nothing. */
export interface LsfJob {
  readonly id: string;
  readonly stat: string;
  readonly exitCode: string;
  /** `TERM_…: text`, where LSF itself ended the job or knows who did; undefined where it was not asked. */
  readonly exitReason: string | undefined;
  readonly pendReason: string;
}

/** A script was started and is not known to have ended; a job on a lost host (UNKWN, ZOMBI) may still run. */
const RUNNING: ReadonlySet<string> = new Set(["RUN", "USUSP", "SSUSP", "UNKWN", "ZOMBI"]);

/** The job's program ends with 0 or 1 only: these are LSF's own or its shell's. */
const NOT_STARTED: ReadonlySet<number> = new Set([-127, 2, 126, 127]);
const FIRST_SIGNAL = 129;
const LAST_SIGNAL = 128 + 64;

/** By the word after TERM_: whose fault it is, and what happened. */
const TERMINATIONS: ReadonlyMap<string, readonly ["user" | "system", string]> = new Map([
  ["ADMIN", ["user", "was cancelled by an administrator"]],
  ["BUCKET_KILL", ["user", "was cancelled, and not by this CI job"]],
  ["CHKPNT", ["system", "was ended after a checkpoint"]],
  ["CPULIMIT", ["user", "reached its limit of processor time; ask for more with -c"]],
  ["CSM_ALLOC", ["system", "got no allocation on its nodes"]],
  ["CWD_NOTEXIST", ["system", "did not find its directory: does the node have the file system?"]],
  ["DATA", ["system", "could not get its data to the node"]],
  ["DEADLINE", ["user", "missed its deadline; change -t"]],
  ["EXTERNAL_SIGNAL", ["user", "was ended by a signal that LSF did not send"]],
  ["FORCE_ADMIN", ["user", "was removed by an administrator"]],
  ["FORCE_OWNER", ["user", "was removed, and not by this CI job"]],
  ["LOAD", ["system", "was ended because its node had too much load; run it again"]],
  ["MEMLIMIT", ["user", "ran out of memory; ask for more with -M or rusage[mem=…] in -R"]],
  ["ORPHAN_SYSTEM", ["user", "was removed: the job that it depends on ended otherwise; change -w"]],
  ["OWNER", ["user", "was cancelled, and not by this CI job"]],
  ["PREEMPT", ["system", "was preempted by another job; run it again, or change -q"]],
  ["PROCESSLIMIT", ["user", "reached its limit of processes; ask for more with -p"]],
  ["RC", ["system", "lost its node to the cloud; run it again"]],
  ["RUNLIMIT", ["user", "reached its run limit; ask for more with -W"]],
  ["SWAP", ["user", "ran out of virtual memory; ask for more with -v"]],
  ["THREADLIMIT", ["user", "reached its limit of threads; ask for more with -T"]],
  ["WINDOW", ["system", "was ended because its queue's time window closed; change -q"]],
  ["ZOMBIE", ["system", "ended while LSF was not there to see it"]],
]);

/** What LSF's word on a job means. */
export function lsfStateOf(job: LsfJob): JobState {
  const ending = endingOf(job);
  if (ending !== undefined) return { phase: "ended", word: job.stat, ending };
  if (RUNNING.has(job.stat)) return { phase: "running", word: job.stat };
  return pending(job);
}

/** Whether it is known what ended a job; LSF has more to say in its long form. */
export function isExplained({ stat, exitCode, exitReason }: LsfJob): boolean {
  if (stat !== "EXIT" || terminationIn(exitReason) !== undefined) return true;
  return exitReason !== undefined && exitCode === "1";
}

/** A line of `bjobs -o "jobid stat exit_code [exit_reason pend_reason] delimiter='^'"`. */
export function readShort(text: string, id: string): LsfJob | undefined {
  const at = text.search(new RegExp(`^${id}\\^`, "m"));
  if (at === -1) return undefined;
  // The last field may go on over lines.
  const [, stat = "", exitCode = "", exitReason, ...rest] = text.slice(at).split("^");
  const word = /^[A-Z_]+$/.exec(stat.trim())?.[0];
  if (word === undefined) return undefined;
  return {
    id,
    stat: word,
    exitCode: exitCode.trim(),
    exitReason: exitReason === undefined ? undefined : oneLine(exitReason),
    pendReason: oneLine(rest.join("^")),
  };
}

/** Of `bjobs -l`, which tells the state, and `bhist -l`, which tells events only; undefined for any other text. */
export function readLong(text: string, id: string): LsfJob | undefined {
  // Lines end at column 80, within words too, and go on after 21 blanks.
  const whole = text.replaceAll(/\n {21}/g, "");
  const head = new RegExp(`^Job <${id}>, .*$`, "m").exec(whole)?.[0];
  if (head === undefined) return undefined;
  const endings = [...whole.matchAll(EVENT)].map(([, said = ""]) => said).filter(isEnding);
  const last = endings.slice(-2).join("\n");
  const stat = /, Status <([A-Z_]+)>/.exec(head)?.[1] ?? (last === "" ? "" : statOf(last));
  return {
    id,
    stat,
    exitCode: exitCodeIn(last),
    exitReason: oneLine(/TERM_\w+.*/.exec(last)?.[0] ?? ""),
    pendReason: "",
  };
}

/** `Mon Nov 23 14:00:39: ` or, with the year, `Mon Nov 23 14:00:39 2026: `, then what happened. */
const EVENT = /^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d(?: \d{4})?: (.*)$/gm;

function isEnding(event: string): boolean {
  return /^(Done successfully|Exited|Completed <)/.test(event);
}

function statOf(endings: string): string {
  return /^(Done successfully|Completed <done>)/m.test(endings) ? "DONE" : "EXIT";
}

function exitCodeIn(endings: string): string {
  const code = /Exited with exit code (-?\d+)/.exec(endings)?.[1];
  if (code !== undefined) return code;
  const signal = /Exited (?:by|with) (?:LSF )?signal(?: termination:)? (\d+)/.exec(endings)?.[1];
  return signal === undefined ? "" : String(128 + Number(signal));
}

/** A state that is unknown or in between waits, too: only a known end is one. */
function pending({ stat, pendReason }: LsfJob): JobState {
  const isHeld = stat === "PSUSP";
  const reason = isBlank(pendReason) ? (isHeld ? "suspended by somebody" : "") : pendReason;
  const isHopeless = /invalid or never satisfied/i.test(reason);
  return {
    phase: "pending",
    word: stat,
    reason,
    ...(isHopeless ? { impossible: `${reason} (change -w)` } : {}),
    ...(isHeld ? { held: /\b(admin|root|administrator)\b/i.test(reason) ? "system" : "user" } : {}),
  };
}

function endingOf(job: LsfJob): Ending | undefined {
  switch (job.stat) {
    case "DONE":
      return { kind: "completed" };
    case "EXIT":
      return exited(job);
    // After DONE or EXIT, when what runs afterwards is over.
    case "POST_DONE":
    case "POST_ERR":
    case "PDONE":
      return isBlank(job.exitCode) || job.exitCode === "0" ? { kind: "completed" } : exited(job);
    default:
      return undefined;
  }
}

function exited(job: LsfJob): Ending {
  const name = `LSF job ${job.id}`;
  const word = terminationIn(job.exitReason);
  if (word !== undefined) {
    const [fault, text] = TERMINATIONS.get(word) ?? ["system", "was ended by LSF"];
    return { kind: "cut", fault, message: `${name} ${text} (${job.exitReason})` };
  }
  const status = /^-?\d+$/.test(job.exitCode) ? Number(job.exitCode) : undefined;
  if (status === undefined || status === 0)
    return { kind: "failed", reason: `${job.stat} without an exit code` };
  if (NOT_STARTED.has(status)) {
    const message = `${name} could not be started (${job.stat}, exit code ${status}): does the node see the job's directories?`;
    return { kind: "cut", fault: "system", message };
  }
  const isSignal = status >= FIRST_SIGNAL && status <= LAST_SIGNAL;
  const how = isSignal ? `ended by signal ${status - 128}` : `exit code ${status}`;
  return { kind: "failed", status, reason: `${job.stat}, ${how}` };
}

function terminationIn(reason: string | undefined): string | undefined {
  const word = /TERM_([A-Z_]+)/.exec(reason ?? "")?.[1];
  return word === "UNKNOWN" ? undefined : word;
}

function isBlank(text: string): boolean {
  return text === "" || text === "-";
}

function oneLine(text: string): string {
  const line = text
    .replaceAll(/\s+/g, " ")
    .replace(/[ ;.]+$/, "")
    .trim();
  return line === "-" ? "" : line;
}

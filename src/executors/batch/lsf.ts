import { quoteWord } from "../../bash/quote.ts";
import { lastWords } from "./answers.ts";
import { checkLsfArguments } from "./lsf-arguments.ts";
import { isExplained, lsfStateOf, readLong, readShort } from "./lsf-states.ts";
import type { Answer, Call, JobState, Scheduler, Submission, Submitted } from "./scheduler.ts";

const SUBMIT_SECONDS = 150;
const ASK_SECONDS = 30;
/** INT, TERM and KILL come 10 s apart, unless the site says otherwise. */
const CANCEL_SECONDS = 40;

const KEPT: ReadonlySet<string> = new Set([
  ...["LSF_ENVDIR", "LSF_SERVERDIR", "LSF_LIBDIR", "LSF_BINDIR"],
]);

const ACCEPTED = /\bJob <([1-9]\d*)> is submitted to /;
/** No daemon was there to take the job. */
const UNREACHABLE =
  /LSF is down|LIM is down|cannot open lsf\.conf|batch service not registered|connection refused|daemon not responding|timeout on connect|cannot locate master|master host is unknown|lim communication/i;
/** The daemon was asked, and its answer did not arrive. */
const LOST =
  /communication time ?out|timed out|failed in receiving|connection reset|broken pipe|xdr|protocol error|end of file/i;
const NO_JOB = /^No (unfinished |matching )?job found/m;
const NO_FIELD = /\bfield\b/i;
/** bhist reads the cluster's files, which not every host sees. */
const NO_HISTORY = /lsb\.events|lsb\.acct|no matching job found/i;
/** bsub and bjobs wait for LSF to come back and then go on. */
const WAITS = /^.*(please wait|still trying).*$/gim;

const FULL_FORM = "jobid stat exit_code exit_reason pend_reason delimiter='^'";
const PLAIN_FORM = "jobid stat exit_code delimiter='^'";

/** IBM Spectrum LSF 10.1, and 9.1 as far as it has `bjobs -o`. Its output files fill only when a job has ended. */
export const lsf: Scheduler = {
  name: "lsf",
  title: "LSF",
  programs: ["bsub", "bjobs", "bhist", "bkill"],
  // bsub itself goes on trying while LSF is down.
  patience: { submit: SUBMIT_SECONDS, query: ASK_SECONDS, cancel: ASK_SECONDS },
  cancelSeconds: CANCEL_SECONDS,
  // A code in REQUEUE_EXIT_VALUES would run the script again, one in SUCCESS_EXIT_VALUES would be a success.
  wrapper: { writesOutput: true, plainExit: true },
  checkArguments: checkLsfArguments,
  // Many LSB_*, BSUB_* and BJOBS_* act like an option, or tell of the job that the runner itself is in.
  keepsVariable: (name) => KEPT.has(name),
  submit: (job) => ({
    argv: ["bsub", ...job.words, ...ownWords(job), quoteWord(job.wrapper)],
    // Else a job whose directory is missing runs in /tmp.
    env: { LSB_EXIT_IF_CWD_NOTEXIST: "Y" },
  }),
  readSubmission,
  find: (name) => bjobs("jobid delimiter='^'", "-J", name),
  readFound,
  query: (id) => bjobs(FULL_FORM, id),
  readState,
  cancel: (id) => {
    // Without an id bkill ends the user's last job, with 0 all of them.
    if (!/^[1-9]\d*$/.test(id)) throw new Error(`no LSF job has the id "${id}"`);
    return { argv: ["bkill", id] };
  },
  readCancel,
};

function ownWords(job: Submission): readonly string[] {
  return [
    ...["-rn", "-env", "none", "-cwd", job.directory, "-J", job.name],
    // LSF's report; without a file it is mailed.
    ...["-oo", `${job.output}.report`],
  ];
}

/** `-a`: also those that have ended. */
function bjobs(form: string, ...words: readonly string[]): Call {
  return { argv: ["bjobs", "-a", "-noheader", "-o", form, ...words] };
}

function readSubmission(answer: Answer): Submitted {
  // Sites and submission programs print lines of their own, before and after.
  const id = ACCEPTED.exec(answer.stdout)?.[1] ?? ACCEPTED.exec(answer.stderr)?.[1];
  if (id !== undefined) return { kind: "accepted", id };
  const message = lastWords(answer, "bsub");
  if (answer.status === undefined || answer.status === 0) return { kind: "lost", message };
  const all = textOf(answer);
  const afterwards = all.replaceAll(WAITS, "");
  const text = afterwards.trim() === "" ? all : afterwards;
  if (UNREACHABLE.test(text)) return { kind: "unreachable", message };
  if (LOST.test(text) && !/job not submitted/i.test(text)) return { kind: "lost", message };
  // A bsub that died has no last word.
  if (text.trim() === "") return { kind: "lost", message };
  return { kind: "refused", message };
}

function readFound(answer: Answer): readonly string[] | undefined {
  if (answer.status === undefined) return undefined;
  const ids = answer.stdout.match(/^\s*[1-9]\d*\s*$/gm) ?? [];
  if (ids.length > 0) return ids.map((id) => id.trim());
  const text = textOf(answer);
  return /^Job <[^>]*> is not found/m.test(text) || NO_JOB.test(text) ? [] : undefined;
}

/** Judged by the text: what bjobs' status means differs with the version and the configuration. */
function readState(answer: Answer, id: string): JobState | { readonly again: Call } {
  const unreachable: JobState = { phase: "unreachable", message: lastWords(answer, "bjobs") };
  if (answer.status === undefined) return unreachable;
  const short = readShort(answer.stdout, id);
  if (short !== undefined)
    return isExplained(short) ? lsfStateOf(short) : { again: { argv: ["bjobs", "-a", "-l", id] } };
  const long = readLong(answer.stdout, id);
  // A history without an end, of a job that bjobs does not show, says nothing.
  if (long !== undefined) return long.stat === "" ? unreachable : lsfStateOf(long);
  const text = textOf(answer);
  if (NO_HISTORY.test(text)) return { phase: "forgotten" };
  if (text.includes(`Job <${id}> is not found`) || NO_JOB.test(text))
    return { again: { argv: ["bhist", "-l", "-n2", id] } };
  // A version that has not all of the fields.
  if (NO_FIELD.test(text)) return { again: bjobs(PLAIN_FORM, id) };
  return unreachable;
}

function readCancel(answer: Answer): "accepted" | "over" | "retry" {
  const text = textOf(answer);
  if (/is being (terminated|signaled)/i.test(text)) return "accepted";
  const isOver = /already finished|is not found|no matching job found/i.test(text);
  return isOver && answer.status !== undefined ? "over" : "retry";
}

function textOf({ stdout, stderr }: Answer): string {
  return `${stdout}\n${stderr}`;
}

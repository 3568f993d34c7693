import { lastWords, linesOf, says } from "./answers.ts";
import { jobInJson, jobInLines } from "./pbs-answer.ts";
import { checkPbsArguments } from "./pbs-arguments.ts";
import { pbsStateOf } from "./pbs-states.ts";
import type { Answer, Call, JobState, Scheduler, Submission, Submitted } from "./scheduler.ts";

const SUBMIT_SECONDS = 60;
const ASK_SECONDS = 20;
/** TERM, then KILL after the queue's kill_delay (10 s unless set), then the end of the output's delivery. */
const CANCEL_SECONDS = 40;

/** Variables that say which server to use; each other key of pbs.conf would override the file. */
const KEPT: ReadonlySet<string> = new Set([
  ...["PBS_CONF_FILE", "PBS_SERVER", "PBS_DEFAULT", "PBS_EXEC"],
]);

/** Nothing was submitted, and not because of what was asked for. */
const UNREACHABLE = [
  "cannot connect to server",
  "Connection refused",
  "pbsconf error",
  "Unknown Host",
  "could not create/open tmp file",
  "No server specified",
  "Server shutting down",
  "No free connections",
  "Server connection table full",
  "Invalid credential",
  "Expired credential",
];
/** The server may have taken the job before the connection broke. */
const LOST = [
  "Connection reset",
  "Broken pipe",
  "timed out",
  "End of File",
  "Batch protocol error",
  "PBS server internal error",
  "System error",
];

const NO_HISTORY = "not configured to maintain job history";
const REASON_LOST =
  "PBS keeps no record of it: without job history (server attribute job_history_enable) the reason of an end is lost";
const KILLED = /^=>> PBS: job killed: (\w+) (\S+) exceeded limit (\S+)/m;
const ONE_ID = /^\d+(?:\[\])?\.[A-Za-z0-9._-]+$/;
/** Status of qdel and qstat for a job that has ended: history knows it, or nothing does. */
const FINISHED = 35;
const UNKNOWN = 153;

/** OpenPBS and PBS Professional, from 18.1 on; Torque is another program. Works without job history, too. */
export const pbs: Scheduler = {
  name: "pbs",
  title: "PBS",
  programs: ["qsub", "qstat", "qselect", "qdel"],
  patience: { submit: SUBMIT_SECONDS, query: ASK_SECONDS, cancel: ASK_SECONDS },
  cancelSeconds: CANCEL_SECONDS,
  checkArguments: checkPbsArguments,
  keepsVariable: (name) => KEPT.has(name),
  submit: (job) => ({ argv: ["qsub", ...job.words, ...ownWords(job), job.wrapper] }),
  readSubmission,
  // With -x a server that keeps no history lists nothing at all, without it no job that was quick.
  find: (name) => ({ argv: ["qselect", "-N", name] }),
  findEnded: (name) => ({ argv: ["qselect", "-x", "-N", name] }),
  readFound: (answer) =>
    answer.status === 0 || says(answer, [NO_HISTORY]) ? idsIn(answer.stdout) : undefined,
  query: (id) => query(id, { finished: true, json: true }),
  readState,
  readOutput,
  // One id per call: some servers die of a known and an unknown one together.
  cancel: (id) => ({ argv: ["qdel", id] }),
  readCancel: (answer) => {
    if (answer.status === 0) return "accepted";
    return isOver(answer) ? "over" : "retry";
  },
};

/** -f: no copy of qsub stays behind; -C '': no line is a directive; -k oed: output goes to its file at once. */
function ownWords({ name, output }: Submission): readonly string[] {
  return ["-f", "-C", "", "-r", "n", "-N", name, "-j", "oe", "-k", "oed", "-o", output];
}

function query(
  id: string,
  { finished, json }: { readonly finished: boolean; readonly json: boolean },
): Call {
  return {
    argv: ["qstat", ...(finished ? ["-x"] : []), "-f", ...(json ? ["-F", "json"] : []), id],
  };
}

function readSubmission(answer: Answer): Submitted {
  const message = messageOf(answer, "qsub");
  const [id, ...more] = idsIn(answer.stdout);
  // A job that was named exists, however qsub itself ended.
  if (id !== undefined && more.length === 0) return { kind: "accepted", id };
  if (answer.status === undefined || answer.status === 0) return { kind: "lost", message };
  if (says(answer, UNREACHABLE)) return { kind: "unreachable", message };
  return { kind: says(answer, LOST) ? "lost" : "refused", message };
}

/**
 * Four forms of the question, since JSON is not always valid, and -x on a server without history answers nothing about
 * any job, not even a running one.
 */
function readState(answer: Answer, id: string): JobState | { readonly again: Call } {
  const json = answer.stdout.trimStart().startsWith("{");
  const job = json ? jobInJson(answer.stdout, id) : jobInLines(answer.stdout, id);
  if (job === "unreadable") return { again: query(id, { finished: true, json: false }) };
  if (job !== undefined) return pbsStateOf(job);
  if (says(answer, [NO_HISTORY])) return { again: query(id, { finished: false, json }) };
  if (answer.status === FINISHED || says(answer, ["has finished"]))
    return { again: query(id, { finished: true, json }) };
  if (isOver(answer)) return { phase: "forgotten", note: REASON_LOST };
  return { phase: "unreachable", message: messageOf(answer, "qstat") };
}

/** MOM's own line, also where there is no history, and before 22.05, where no Exit_status says so. */
function readOutput(text: string, id: string): string | undefined {
  const [, resource, used, limit] = KILLED.exec(text) ?? [];
  if (resource === undefined) return undefined;
  return `PBS job ${id} was ended by PBS: ${resource} ${used} exceeded the limit of ${limit}; ask for more with -l ${resource}`;
}

function isOver(answer: Answer): boolean {
  const { status } = answer;
  if (status === undefined || status === 0) return false;
  if (status === FINISHED || status === UNKNOWN) return true;
  return says(answer, ["Unknown Job Id", "Job has finished"]);
}

function idsIn(text: string): readonly string[] {
  return linesOf(text).filter((line) => ONE_ID.test(line));
}

/** What a command wrote, without the usage that may follow the message, and never the JSON. */
function messageOf(answer: Answer, program: string): string {
  const { status, stdout, stderr } = answer;
  const text = stderr.trim() === "" && !stdout.startsWith("{") ? stdout : stderr;
  const [message = ""] = text.split(/\n(?=usage:)/i);
  return lastWords({ status, stdout: "", stderr: message }, program, /^q\w+: +/gm);
}

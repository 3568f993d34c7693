import { lastWords, submittedBy } from "./answers.ts";
import type { Answer, JobState, Scheduler, Submission, Submitted } from "./scheduler.ts";
import { checkSlurmArguments } from "./slurm-arguments.ts";
import { jobStateOf } from "./slurm-states.ts";

/** From this version on `--export=NIL` gives a bare environment; NONE runs the login shell on the node first. */
const FIRST_WITH_NIL = [23, 2, 3] as const;

const SUBMIT_SECONDS = 150;
const ASK_SECONDS = 30;
const CANCEL_SECONDS = 60;

/** Slurm's words for a request that never reached a controller that could act on it. */
const UNREACHABLE = [
  "Unable to contact slurm controller",
  "Unable to establish control machine address",
  "Unable to establish controller machine",
  "Could not establish a configuration source",
  "Unable to process configuration file",
  "backup controller in standby",
  "Protocol authentication error",
  "Invalid authentication credential",
  "Munge encode failed",
  "Incompatible versions of client and server",
  "Resource temporarily unavailable",
  "temporarily unable to accept job",
  "Slurm job queue full",
];
/** The request may have been carried out. */
const LOST = [
  "Socket timed out",
  "Zero Bytes were transmitted",
  "Message receive failure",
  "Message send failure",
  "Unexpected message received",
  "Connection reset by peer",
];

/** `sbatch: error: ` */
const PREFIX = /^\w+: (error: )?/gm;

/** Slurm, from 22.05 on; needs no accounting database. */
export const slurm: Scheduler = {
  name: "slurm",
  title: "Slurm",
  programs: ["sbatch", "squeue", "scontrol", "scancel"],
  version: { argv: ["sbatch", "--version"] },
  // sbatch itself goes on trying for 120 s while the queue is full.
  patience: { submit: SUBMIT_SECONDS, query: ASK_SECONDS, cancel: ASK_SECONDS },
  cancelSeconds: CANCEL_SECONDS,
  checkArguments: checkSlurmArguments,
  // Every other SLURM_* and SBATCH_* acts like an option, or tells of the job that the runner itself is in.
  keepsVariable: (name) => name === "SLURM_CONF",
  submit: (job) => ({ argv: ["sbatch", ...job.words, ...ownWords(job), job.wrapper] }),
  readSubmission,
  find: (name) => ({ argv: ["squeue", "-h", "--me", "-t", "all", "-n", name, "-o", "%i"] }),
  readFound: (answer) =>
    answer.status === 0
      ? (answer.stdout.match(/^\s*\d+\s*$/gm) ?? []).map((id) => id.trim())
      : undefined,
  query: (id) => ({ argv: ["scontrol", "-o", "show", "job", id] }),
  readState,
  cancel: (id) => ({ argv: ["scancel", id] }),
  readCancel: (answer) => {
    if (answer.status === 0) return "accepted";
    return isUnknownJob(answer) || /already complet/i.test(answer.stderr) ? "over" : "retry";
  },
};

function ownWords(job: Submission): readonly string[] {
  return [
    ...["--parsable", "--no-requeue", "--ignore-pbs"],
    `--export=${hasNil(job.version) ? "NIL" : "NONE"}`,
    `--job-name=${job.name}`,
    `--chdir=${job.directory}`,
    `--output=${job.output.replaceAll("%", "%%")}`,
    "--open-mode=truncate",
  ];
}

function hasNil(version: string): boolean {
  const parts = /^(\d+)\.(\d+)(?:\.(\d+))?/
    .exec(version)
    ?.slice(1)
    .map((part) => Number(part ?? 0));
  if (parts === undefined) return false;
  const at = FIRST_WITH_NIL.findIndex((wanted, i) => (parts[i] ?? 0) !== wanted);
  return at === -1 || (parts[at] ?? 0) > (FIRST_WITH_NIL[at] ?? 0);
}

function readSubmission(answer: Answer): Submitted {
  return submittedBy(answer, {
    id: /^(\d+)(?:;.*)?$/m.exec(answer.stdout)?.[1],
    message: lastWords(answer, "sbatch", PREFIX),
    unreachable: UNREACHABLE,
    lost: LOST,
  });
}

function readState(answer: Answer, id: string): JobState {
  const text = answer.stdout;
  if (answer.status === 0) {
    // The first of each: free text of the user's, such as a comment, follows later in the line.
    const field = (name: string) => new RegExp(`(?:^|\\s)${name}=(\\S*)`).exec(text)?.[1] ?? "";
    const state = field("JobState");
    if (state !== "") {
      return jobStateOf({
        id,
        state,
        reason: spaced(field("Reason")),
        startTime: field("StartTime"),
        timeLimit: field("TimeLimit"),
        restarts: Number(field("Restarts")) || 0,
        exitCode: field("ExitCode"),
      });
    }
  }
  if (isUnknownJob(answer)) return { phase: "forgotten" };
  return { phase: "unreachable", message: lastWords(answer, "scontrol", PREFIX) };
}

/** scontrol puts `_` for the blanks of a reason; node names after a colon keep theirs. */
function spaced(reason: string): string {
  const [words = "", ...rest] = reason.split(":");
  return [words.replaceAll("_", " "), ...rest].join(":");
}

function isUnknownJob({ status, stderr }: Answer): boolean {
  return status !== undefined && status !== 0 && /invalid job id/i.test(stderr);
}

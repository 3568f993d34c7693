import type { Ending, JobState } from "./scheduler.ts";

/** What `qstat -f` says of a job, as printed. */
export interface PbsJob {
  readonly id: string;
  /** One letter. */
  readonly state: string;
  readonly substate: number | undefined;
  /** Also there in jobs that have not ended. */
  readonly exitStatus: number | undefined;
  readonly runCount: number;
  readonly comment: string;
  /** The time limit; empty when there is none. */
  readonly walltime: string;
  /** How it was submitted. */
  readonly arguments: string;
  /** Letters of who holds it: `u`ser, `o`perator, `s`ystem; `n`: nobody. */
  readonly holdTypes: string;
}

/** Suspended, being started and being delivered count as running; B is an array that has begun. */
const RUNNING: ReadonlySet<string> = new Set([..."RESUB"]);
/** Held by the server itself until the jobs of `-W depend` have ended. */
const WAITS_FOR_JOBS = 22;
const DELETED = 91;
const ENDED = 92;

const NEVER_RUNS = "Can Never Run:";
const NOT_RUNNING = "Not Running:";
const NO_COMMENT: ReadonlyMap<string, string> = new Map([
  ["W", "waiting for the time of -a"],
  ["T", "on its way to another queue"],
]);

const START_FAILED = -3;
/** Limits that MOM enforces, and the resource to ask more of. */
const LIMITS: ReadonlyMap<number, string> = new Map([
  [-24, "ncpus"],
  [-25, "ncpus"],
  [-26, "vmem"],
  [-27, "mem"],
  [-28, "cput"],
  [-29, "walltime"],
]);
const SYSTEM_REASONS: ReadonlyMap<number, string> = new Map([
  [-1, "the job could not be started"],
  [-2, "the job could not be started"],
  [-3, "the job could not be started"],
  [-4, "the node's MOM was restarted"],
  [-5, "the node's MOM was restarted"],
  [-6, "the node's MOM was restarted"],
  [-7, "the job was to be started again"],
  [-10, "the node does not accept its user"],
  [-11, "the job was to be started again"],
  [-12, "the job was checkpointed"],
  [-14, "the job was to be started again"],
  [-16, "a hook of the site refused it"],
  [-17, "a hook of the site refused it"],
  [-18, "a hook of the site refused it"],
  [-19, "a hook of the site refused it"],
  [-20, "its node was lost"],
  [-21, "the node's security check failed"],
  [-22, "a hook of the site failed"],
  [-23, "it had no Kerberos credential"],
  [-30, "its nodes could not join"],
]);
/** Added to the signal that ended the job's login shell. */
const SIGNALLED = 256;

/** What PBS' record of a job means: the state first, since a number alone proves nothing. */
export function pbsStateOf(job: PbsJob): JobState {
  const { state } = job;
  if (state === "F") return { phase: "ended", word: state, ending: endingOf(job) };
  if (state === "X") return { phase: "ended", word: state, ending: failed(job) };
  if (state === "M") {
    const message = `PBS job ${job.id} was moved to another server, where the driver cannot follow`;
    return { phase: "ended", word: state, ending: { kind: "cut", fault: "system", message } };
  }
  if (RUNNING.has(state))
    return { phase: "running", word: state, restarts: Math.max(0, job.runCount - 1) };
  return pending(job);
}

/** A letter that is unknown waits, too: only a known end is one. */
function pending(job: PbsJob): JobState {
  const { state, substate, comment, exitStatus } = job;
  const isHeld = state === "H" && substate !== WAITS_FOR_JOBS;
  const [heldBy, who] = holderOf(job);
  const impossible = comment.startsWith(NEVER_RUNS)
    ? comment.slice(NEVER_RUNS.length).trim()
    : undefined;
  const said = comment.startsWith(NOT_RUNNING) ? comment.slice(NOT_RUNNING.length).trim() : comment;
  const without = state === "H" ? "for the jobs of -W depend" : (NO_COMMENT.get(state) ?? "");
  // The comment may be older than the hold.
  const why = isHeld
    ? [who, said].filter((text) => text !== "").join(": ") || "no reason given"
    : said || without;
  const hint =
    isHeld && exitStatus === START_FAILED
      ? "; can the node write below the job's directories?"
      : "";
  return {
    phase: "pending",
    word: state,
    reason: `${why}${hint}`,
    ...(impossible === undefined ? {} : { impossible }),
    ...(isHeld ? { held: heldBy } : {}),
  };
}

/** Only a user's own hold is the user's: nobody asks for one in a CI job, and a start that failed too often is a hold. */
function holderOf({ holdTypes, exitStatus }: PbsJob): readonly ["user" | "system", string] {
  if (holdTypes === "u" && exitStatus !== START_FAILED)
    return ["user", "by its user (qhold, or -h in the site's default_qsub_arguments)"];
  if (holdTypes.includes("o")) return ["system", "by an operator"];
  if (holdTypes.includes("s")) return ["system", "by PBS or its administrators"];
  return ["system", ""];
}

function endingOf(job: PbsJob): Ending {
  const { exitStatus, substate, comment } = job;
  if (substate === DELETED) return user(`${nameOf(job)} ${deleted(comment)}`);
  const limit = LIMITS.get(exitStatus ?? 0) ?? /exceeded resource (\w+)/.exec(comment)?.[1];
  if (limit !== undefined) return user(overLimit(job, limit));
  if (exitStatus === undefined) return neverRan(job);
  if (exitStatus < 0) {
    const why = SYSTEM_REASONS.get(exitStatus) ?? "PBS itself ended it";
    return system(
      `${nameOf(job)} was ended by PBS: ${why} (Exit_status ${exitStatus}); run it again, or tell the administrators`,
    );
  }
  return substate === ENDED && exitStatus === 0 ? { kind: "completed" } : failed(job);
}

function overLimit(job: PbsJob, resource: string): string {
  const more = `ask for more with -l ${resource}`;
  if (resource !== "walltime") return `${nameOf(job)} used more ${resource} than it had; ${more}`;
  const limit = job.walltime === "" ? "" : ` of ${job.walltime}`;
  return `${nameOf(job)} reached its time limit${limit}; ${more}`;
}

function deleted(comment: string): string {
  const who = /terminated by (\S+)$/.exec(comment)?.[1];
  return `was deleted${who === undefined ? "" : ` by ${who}`}, and not by this CI job`;
}

function neverRan(job: PbsJob): Ending {
  const text = `${nameOf(job)} ended without ever running`;
  return job.arguments.includes("depend=")
    ? user(`${text}: the job that it depends on is unknown or ended otherwise; change -W depend`)
    : system(`${text}${job.comment === "" ? "" : ` (${job.comment})`}; run it again`);
}

function failed({ state, substate, exitStatus, comment }: PbsJob): Ending {
  const tail = / and (\w[^()]*)$/.exec(comment)?.[1] ?? comment;
  const words = [`state ${state} ${substate ?? ""}`.trim(), tail, `Exit_status ${exitStatus}`];
  const reason = words.filter((word) => word !== "").join(", ");
  if (exitStatus === undefined || exitStatus <= 0) return { kind: "failed", reason };
  const status = exitStatus > SIGNALLED ? exitStatus - SIGNALLED / 2 : exitStatus;
  return { kind: "failed", status, reason };
}

function nameOf(job: PbsJob): string {
  return `PBS job ${job.id}`;
}

function user(message: string): Ending {
  return { kind: "cut", fault: "user", message };
}

function system(message: string): Ending {
  return { kind: "cut", fault: "system", message };
}

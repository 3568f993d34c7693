import type { Ending, JobState } from "./scheduler.ts";

/** What `scontrol -o show job` says of a job, as printed. */
export interface SlurmJob {
  readonly id: string;
  readonly state: string;
  readonly reason: string;
  readonly startTime: string;
  readonly timeLimit: string;
  readonly restarts: number;
  /** `STATUS:SIGNAL` of the batch script. */
  readonly exitCode: string;
}

/** States of a job whose script has been started and is not known to have ended. */
const RUNNING: ReadonlySet<string> = new Set([
  ...["RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"],
]);
/** By Slurm, after failures of its own, or by those who run it. */
const HELD_BY_SYSTEM = /^(JobHeldAdmin|JobHoldMaxRequeue)$|launch failed/;
const HELD: ReadonlySet<string> = new Set(["REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"]);
const HELD_REASON = /^(JobHeldUser|JobHeldAdmin|JobHoldMaxRequeue)$|\bheld\b/;

/** Reasons that no waiting cures, and what to change. */
const IMPOSSIBLE: ReadonlyMap<string, string> = new Map([
  ["AccountNotAllowed", "this account may not use it; change --account or --partition"],
  ["BadConstraints", "no node has all that is asked for; change --constraint or the resources"],
  ["DependencyNeverSatisfied", "the job that it depends on ended otherwise; change --dependency"],
  ["InvalidAccount", "change --account"],
  ["InvalidQOS", "change --qos"],
  ["MaxMemPerLimit", "more memory than a job may have; lower --mem or --mem-per-cpu"],
  // Also what Slurm says of every request over a limit until its scheduler has looked, up to a minute later.
  [
    "PartitionConfig",
    "more than the partition gives; lower --time, --nodes, --ntasks or --mem, or change --partition",
  ],
  [
    "PartitionNodeLimit",
    "more nodes than the partition gives one job or has up; lower --nodes or change --partition",
  ],
  ["PartitionTimeLimit", "longer than the partition allows; lower --time or change --partition"],
  ["QOSNotAllowed", "this QOS may not use it; change --qos or --partition"],
  ["ReservationDeleted", "the reservation is gone; change --reservation"],
]);
/** Limits of a single job, unlike those of a user or group that others' jobs fill for a while. */
const LIMIT_OF_ONE_JOB = /^(QOS|Assoc)(Max\w*Per(Job|Node)\w*|Min\w+)$/;

/** What Slurm's record of a job means. */
export function jobStateOf(job: SlurmJob): JobState {
  const ending = endingOf(job);
  if (ending !== undefined) return { phase: "ended", word: job.state, ending };
  if (RUNNING.has(job.state)) {
    return { phase: "running", word: job.state, restarts: job.restarts };
  }
  return pending(job);
}

/** A state that is unknown or in between waits, too: only a known end is one. */
function pending(job: SlurmJob): JobState {
  const reason = job.reason === "None" ? "" : job.reason;
  const impossible = whyImpossible(reason);
  const hasStart = /^\d/.test(job.startTime);
  return {
    phase: "pending",
    word: job.state,
    reason,
    ...(impossible === undefined ? {} : { impossible }),
    ...(hasStart ? { startsAt: job.startTime } : {}),
    ...(HELD.has(job.state) || HELD_REASON.test(reason)
      ? { held: HELD_BY_SYSTEM.test(reason) ? "system" : "user" }
      : {}),
  };
}

function whyImpossible(reason: string): string | undefined {
  const [word = ""] = reason.split(/[ ,(]/);
  const hint = IMPOSSIBLE.get(word);
  if (hint !== undefined) return `${word} (${hint})`;
  if (LIMIT_OF_ONE_JOB.test(word)) return `${word} (a limit of one job; lower the request)`;
  return undefined;
}

function endingOf(job: SlurmJob): Ending | undefined {
  const name = `Slurm job ${job.id}`;
  const because = job.reason === "" || job.reason === "None" ? "" : ` (${job.reason})`;
  const user = (text: string): Ending => ({ kind: "cut", fault: "user", message: text });
  const system = (text: string): Ending => ({ kind: "cut", fault: "system", message: text });
  switch (job.state) {
    case "COMPLETED":
      return completed(job);
    case "FAILED":
      return failed(job);
    case "TIMEOUT":
      return user(`${name} reached its time limit of ${job.timeLimit}; ask for more with --time`);
    case "OUT_OF_MEMORY":
      return user(`${name} ran out of memory${because}; ask for more with --mem or --mem-per-cpu`);
    case "DEADLINE":
      return user(`${name} missed its deadline${because}; change --deadline or lower --time`);
    case "CANCELLED":
      return user(cancelled(name, job.reason));
    case "NODE_FAIL":
      return system(`${name} lost a node${because}; nothing is wrong with the job: run it again`);
    case "BOOT_FAIL":
      return system(`${name} got a node that did not start${because}; tell the administrators`);
    case "PREEMPTED":
      return system(
        `${name} was preempted by another job${because}; run it again, or change --qos or --partition`,
      );
    case "REVOKED":
      return system(
        `${name} was moved to another cluster${because}, where the driver cannot follow`,
      );
    default:
      return undefined;
  }
}

function cancelled(name: string, reason: string): string {
  const why = whyImpossible(reason);
  return why === undefined
    ? `${name} was cancelled, and not by this CI job`
    : `${name} was cancelled: ${why}`;
}

function completed(job: SlurmJob): Ending {
  const isClean = job.exitCode === "0:0" || job.exitCode === "";
  return isClean ? { kind: "completed" } : failed(job);
}

/** Slurm's reason is misleading for a script that a signal ended; its ExitCode tells that from a launch failure. */
function failed(job: SlurmJob): Ending {
  const [status = 0, signal = 0] = job.exitCode.split(":").map(Number);
  const reason = `${job.state} ${job.reason} ${job.exitCode}`;
  if (status > 0) return { kind: "failed", status, reason };
  if (signal > 0 && signal < FIRST_PSEUDO_SIGNAL)
    return {
      kind: "failed",
      status: 128 + signal,
      reason: `${job.state}, ended by signal ${signal}`,
    };
  return {
    kind: "cut",
    fault: "system",
    message: `Slurm job ${job.id} could not be started (${job.reason}, ExitCode ${job.exitCode}): can the node write below the job's directories?`,
  };
}

/** Slurm reports a job whose output cannot be opened as ended by 53; signals that end a shell are far below. */
const FIRST_PSEUDO_SIGNAL = 32;

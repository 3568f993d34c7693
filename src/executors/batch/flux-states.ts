import type { Ending, JobState } from "./scheduler.ts";

/** What `flux jobs` says of a job, as printed. */
export interface FluxJob {
  readonly id: string;
  readonly state: string;
  /** Empty until the state is INACTIVE. */
  readonly result: string;
  /** Exit status, minus a signal's number, or -128 for a job that never started. */
  readonly returncode: string;
  readonly urgency: string;
  /** Type of the worst exception. */
  readonly exception: string;
  /** What it waits for while it has dependencies, and the exception's note once it has ended. */
  readonly note: string;
}

const RUNNING: ReadonlySet<string> = new Set(["RUN", "CLEANUP"]);
/** A job of this urgency is never considered. */
const HOLD = "0";
const NEVER_STARTED = -128;

/** What Flux's record of a job means. An unknown state waits: INACTIVE alone is an end. */
export function fluxStateOf(job: FluxJob): JobState {
  const { state, urgency, note } = job;
  if (state === "INACTIVE") {
    const word = [state, job.result].filter((text) => text !== "").join(" ");
    return { phase: "ended", word, ending: endingOf(job) };
  }
  if (RUNNING.has(state)) return { phase: "running", word: state };
  const waitsFor = state === "DEPEND" && note !== "" ? `dependency ${note}` : "";
  if (urgency !== HOLD) return { phase: "pending", word: state, reason: waitsFor };
  return { phase: "pending", word: state, reason: `urgency ${HOLD}`, held: "user" };
}

function endingOf(job: FluxJob): Ending {
  const name = `Flux job ${job.id}`;
  const because = job.note === "" ? "" : ` (${job.note})`;
  switch (job.result) {
    case "COMPLETED":
      return job.returncode === "0" ? { kind: "completed" } : failed(job, name);
    case "FAILED":
      return job.exception === "" ? failed(job, name) : excepted(job, name);
    case "TIMEOUT":
      return user(`${name} reached its time limit${because}; ask for more with -t (--time-limit)`);
    case "CANCELED":
      return user(`${name} was cancelled, and not by this CI job${because}`);
    default:
      return system(`${name} ended with the result ${job.result || "(none)"}${because}`);
  }
}

/** Something of Flux ended the job, in contrast to its own exit status. */
function excepted({ exception, note, returncode }: FluxJob, name: string): Ending {
  const what = note === "" ? `an exception of type ${exception}` : note;
  switch (exception) {
    case "alloc":
      return user(
        `${name} can never run: ${what}; lower -N, -n, -c or -g, or change -q or --requires`,
      );
    case "dependency":
      return user(`${name} waited for what cannot happen: ${what}; change --dependency`);
    case "exec":
      return system(
        `${name} could not be run (status ${returncode}): ${what}; can the node write below the job's directories?`,
      );
    default:
      return system(`${name} was ended by Flux: ${what} (${exception}, status ${returncode})`);
  }
}

function failed({ result, returncode, note }: FluxJob, name: string): Ending {
  const code = Number(returncode);
  const because = note === "" ? "" : `, ${note}`;
  if (returncode === "" || code === NEVER_STARTED)
    return system(`${name} ended without having been started${because}`);
  if (code < 0)
    return { kind: "failed", status: 128 - code, reason: `${result} by signal ${-code}${because}` };
  return { kind: "failed", status: code, reason: `${result} with status ${code}${because}` };
}

function user(message: string): Ending {
  return { kind: "cut", fault: "user", message };
}

function system(message: string): Ending {
  return { kind: "cut", fault: "system", message };
}

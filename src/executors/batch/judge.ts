import type { Outcome } from "../../plan/outcome.ts";
import type { Ending, JobState } from "./scheduler.ts";

/** What the job's own wrapper wrote about its end; see bash/batch-job.bash. */
export interface Marker {
  /** `exited`: the script's own status was seen. `cut`: something ended it. `none`: it was never seen. */
  readonly word: "exited" | "cut" | "none";
  readonly status: number;
  readonly nonce: string;
}

export interface JudgeInput {
  /** E.g. `Slurm job 12`, for messages. */
  readonly job: string;
  readonly nonce: string;
  /** Undefined: there is none, also after waiting for a slow file system. */
  readonly marker: Marker | undefined;
  /** How often the wrapper was started. */
  readonly starts: number;
  /** The last that the scheduler said. */
  readonly state: JobState;
}

const MARKER = /^v1 (\S*) (\d*) (\S+) (exited|cut|none) (\d{1,3})$/;

/** The marker in a file's text; undefined when it is missing, torn or of another kind. */
export function readMarker(text: string | undefined): Marker | undefined {
  const match = MARKER.exec((text ?? "").trimEnd());
  if (match === null) return undefined;
  const [, , , nonce = "", word, status] = match;
  return { word: word as Marker["word"], status: Number(status), nonce };
}

/**
 * The outcome of a batch job, from its marker and the scheduler's word together. Green needs the script's own 0, one
 * start only, nothing that cut it short, and a scheduler that does not contradict it.
 */
export function judge(input: JudgeInput): Outcome {
  const { job, marker, starts, state } = input;
  const ending = state.phase === "ended" ? state.ending : undefined;
  if (starts > 1) {
    return failed(
      `${job} was started ${starts} times: the scheduler ran the script again, and its result does not count`,
    );
  }
  if (marker !== undefined && marker.nonce !== input.nonce) {
    return failed(`${job} left the result of another job beside its output; its own was not seen`);
  }
  if (ending?.kind === "cut") return cut(ending, marker);
  if (state.phase === "pending" && starts > 0 && marker?.word !== "exited") {
    const why = [state.word, state.reason].filter((text) => text !== "").join(", ");
    return failed(
      `${job} was cut short and put back into the queue by the scheduler (${why}); its script is not run again`,
    );
  }
  if (marker?.word === "exited") return exited(job, marker.status, ending);
  if (marker?.word === "cut") {
    return failed(
      `${job} was cut short by a signal from outside before its script ended${whyOf(state)}`,
    );
  }
  return unseen(input);
}

function exited(job: string, status: number, ending: Ending | undefined): Outcome {
  const contradicted = ending?.kind === "failed" && status === 0;
  if (!contradicted) return { kind: "exited", status };
  return failed(`${job}: the script recorded status 0, but the scheduler says ${ending.reason}`);
}

/** The scheduler ended the job: its reason counts, whatever the script made of the warning signal. */
function cut(ending: Ending & { readonly kind: "cut" }, marker: Marker | undefined): Outcome {
  if (marker?.word === "exited" && marker.status !== 0)
    return { kind: "exited", status: marker.status };
  if (ending.fault === "system") return failed(ending.message);
  return {
    kind: "refused",
    refusal: { fault: "user", message: ending.message, from: "scheduler" },
  };
}

function unseen({ job, marker, starts, state }: JudgeInput): Outcome {
  const why = whyOf(state);
  if (starts === 0)
    return failed(`${job} ended without starting the script${why}; its log may say why`);
  if (marker?.word === "none") {
    return failed(
      `${job}: the script's shell or container ended before its own exit status was seen${why}`,
    );
  }
  if (state.phase === "forgotten") {
    return failed(
      `${job} is unknown to the scheduler and left no result; nothing is known about its end${why}`,
    );
  }
  return failed(`${job} ended without the script's own exit status${why}`);
}

/** What the scheduler adds to an end that is no cut of its own. */
function whyOf(state: JobState): string {
  if (state.phase === "ended" && state.ending.kind === "failed") return ` (${state.ending.reason})`;
  return state.phase === "forgotten" && state.note !== undefined ? ` (${state.note})` : "";
}

function failed(message: string): Outcome {
  return { kind: "failed", message, retryable: false };
}

import { isBatchStage, stageKind } from "../job/stages.ts";
import {
  type AttemptFigures,
  type AttemptOutcome,
  type Executor,
  type Phase,
  PULLERS,
} from "../metrics/figures.ts";
import type { Note, StageNote } from "./notes.ts";

/** Stages whose failure is not the job's. */
const IGNORED = ["after_script", "clear_worktree", "cleanup_file_variables"];

/** What is on disk about the stages of an attempt besides their notes. */
export interface Begun {
  /** Names of the stages that began, as in the notes. */
  readonly stages: readonly string[];
  /** Of the last stage that began; undefined before the first. */
  readonly pid: number | undefined;
}

/** What is counted about an attempt that has ended. */
export function figuresOf(
  executor: Executor,
  notes: readonly Note[],
  begun: Begun,
): AttemptFigures {
  const submitted = notes.some(({ kind }) => kind === "batch");
  // The stage of a batch job ends with it: its seconds are told by the other note, without the queue.
  const timed = notes.filter(
    (note) => !(submitted && note.kind === "stage" && isBatchStage(note.stage)),
  );
  return {
    executor,
    outcome: outcomeOf(notes, begun),
    seconds: timed.flatMap(secondsOf),
    images: notes.flatMap((note) =>
      note.kind === "image" && PULLERS.includes(note.puller)
        ? [{ puller: note.puller, hit: note.hit, bytes: note.bytes }]
        : [],
    ),
    evictions: notes.flatMap((note) =>
      note.kind === "evicted" && (note.what === "entry" || note.what === "layer")
        ? [{ kind: note.what, count: note.count, bytes: note.bytes }]
        : [],
    ),
  };
}

/** How an attempt ended, as gitlab-runner would judge it by the ends of its hooks. */
export function outcomeOf(notes: readonly Note[], begun: Begun): AttemptOutcome {
  const hooks = notes.flatMap((note) => (note.kind === "hook" ? [note] : []));
  const failed = hooks.find(({ outcome }) => outcome !== "success");
  if (failed !== undefined) return hookOutcome(failed.outcome);
  if (!hooks.some(({ hook }) => hook === "prepare")) return "unknown";
  const stages = notes.flatMap((note) => (note.kind === "stage" ? [note] : []));
  if (stages.some(({ word }) => word === "cancelled")) return "cancelled";
  // Who was killed has left no note.
  const isNoted = begun.stages.every((name) => stages.some(({ stage }) => stage === name));
  const isLast = begun.pid === undefined || stages.at(-1)?.pid === begun.pid;
  if (!isNoted || !isLast) return "unknown";
  // A stage that is tried again counts by its last try.
  const last = new Map(stages.map((note) => [note.stage, note]));
  const counted = [...last.values()].filter(({ stage }) => !IGNORED.includes(stage));
  const bad = counted.find(({ word, status }) => word !== "exited" || status !== 0);
  if (bad !== undefined) return stageOutcome(bad);
  // All went well, but the runner did not go on to the script.
  return counted.some(({ stage }) => stageKind(stage) === "step") ? "success" : "cancelled";
}

/** Nothing else becomes the value of a label. */
function hookOutcome(outcome: string): AttemptOutcome {
  return outcome === "refused" || outcome === "cancelled" ? outcome : "system_failure";
}

function stageOutcome({ word }: StageNote): AttemptOutcome {
  if (word === "exited") return "script_failure";
  return word === "refused" ? "refused" : "system_failure";
}

function secondsOf(note: Note): { phase: Phase; seconds: number }[] {
  const of = (phase: Phase, seconds: number | undefined) =>
    seconds === undefined ? [] : [{ phase, seconds }];
  switch (note.kind) {
    case "hook":
      return note.hook === "prepare" ? of("prepare", note.seconds) : [];
    case "image":
      return [...of("pull", note.pull), ...of("flatten", note.flatten)];
    case "batch":
      return [...of("queue", note.queue), ...of("run", note.run)];
    case "stage":
      return stageKind(note.stage) === "step" ? of("run", note.seconds) : [];
    default:
      return [];
  }
}

import { readFileSync } from "node:fs";
import type { Puller } from "../metrics/figures.ts";
import { notesPath } from "./attempt.ts";

/** How a hook of the driver itself ended. */
export type HookOutcome = "success" | "refused" | "system_failure" | "cancelled";

/** What is written down while an attempt goes on, one line each; `cleanup` makes figures of it. Seconds are wall time. */
export type Note =
  | {
      readonly kind: "hook";
      readonly hook: "config" | "prepare";
      readonly outcome: HookOutcome;
      readonly seconds: number;
    }
  | {
      /** An image from the cache. */
      readonly kind: "image";
      readonly digest: string;
      readonly puller: Puller;
      readonly hit: boolean;
      /** On disk. */
      readonly bytes: number;
      /** Absent for a hit, and where it was not measured. */
      readonly pull?: number;
      readonly flatten?: number;
    }
  | {
      readonly kind: "evicted";
      readonly what: "entry" | "layer";
      readonly count: number;
      readonly bytes: number;
    }
  | {
      /** A batch job: how long it waited, how long its script ran; absent when it never started. */
      readonly kind: "batch";
      readonly queue: number;
      readonly run?: number;
    }
  | StageNote;

/** Written by supervise.bash, or by `run` where it did not become that. */
export interface StageNote {
  readonly kind: "stage";
  readonly pid: number;
  /** File name made of the stage's name. */
  readonly stage: string;
  /** `exited`: the script's own status was seen. */
  readonly word: "exited" | "failed" | "refused" | "cancelled";
  readonly status: number;
  readonly seconds: number;
}

/** More than any job needs: the file lies where a job of the same user could write. */
const MAX_NOTES = 1000;
const MAX_BYTES = 1_000_000;

/** The notes of an attempt; what is torn, or of another kind, is left out. */
export function readNotes(directory: string): readonly Note[] {
  let text: string;
  try {
    text = readFileSync(notesPath(directory), "utf8").slice(0, MAX_BYTES);
  } catch {
    return [];
  }
  return text
    .split("\n")
    .slice(0, MAX_NOTES)
    .flatMap((line) => parseNote(line) ?? []);
}

function parseNote(line: string): Note | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("kind" in value)) return undefined;
    const isWhole = value.kind !== "stage" || ("stage" in value && typeof value.stage === "string");
    return isWhole ? (value as Note) : undefined;
  } catch {
    return undefined;
  }
}

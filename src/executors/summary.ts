import { redact } from "../host/redact.ts";
import type { Outcome } from "../plan/outcome.ts";
import type { ImageFigures } from "./image-figures.ts";

/** The part of a job's summary that is known before its script runs; for the job log, redacted. */
export interface SummaryStart {
  /** The job log can have sections that are folded. */
  readonly sections: boolean;
  /** At least one. */
  readonly lines: readonly string[];
}

/** What is known of a script's end; absent: unknown. */
export interface ScriptEnd {
  /** E.g. `Slurm job 12`. */
  readonly job: string;
  readonly node?: string;
  readonly queueSeconds?: number;
  readonly runSeconds?: number;
  readonly outcome: Outcome;
}

/** GitLab wants letters, digits, `_`, `.` and `-`. */
const SECTION = "jacamar_summary";
const CLEAR = "\r\x1b[0K";
const LABEL_WIDTH = 13;

export function summaryStart(input: {
  readonly sections: boolean;
  readonly image?: ImageFigures | undefined;
  /** Where the script runs; absent: a scheduler decides it. */
  readonly node?: string | undefined;
  /** Path of the script that runs the job's script again. */
  readonly reproducer?: string | undefined;
}): SummaryStart {
  const { sections, image, node, reproducer } = input;
  const lines = [
    ...(image ? imageLines(image) : [row("Image", "none, the script runs on the host")]),
    ...(reproducer === undefined ? [] : [row("Run again by", reproducer)]),
    ...(node === undefined ? [] : [row("Node", node)]),
  ];
  return { sections, lines: lines.map(redact) };
}

/** The whole summary after a batch job, one text a line of the job log; `now` in milliseconds since 1970. */
export function batchSummary(start: SummaryStart, end: ScriptEnd, now: number): readonly string[] {
  const { job, node, queueSeconds, runSeconds, outcome } = end;
  const how = reasonOf(outcome);
  const time = Math.floor(now / 1000);
  const after = runSeconds === undefined ? "" : ` after ${seconds(runSeconds)}`;
  const title = `Job summary: ${how}${after}`;
  const lines = [
    ...start.lines,
    row("Scheduler", job),
    ...(node === undefined ? [] : [row("Node", node)]),
    ...(queueSeconds === undefined ? [] : [row("Queue", seconds(queueSeconds))]),
    ...(runSeconds === undefined ? [] : [row("Run", seconds(runSeconds))]),
    row("End", how),
  ].map((line) => `  ${line}`);
  if (!start.sections) return [title, ...lines];
  return [
    `section_start:${time}:${SECTION}[collapsed=true]${CLEAR}${title}`,
    ...lines,
    `section_end:${time}:${SECTION}${CLEAR}`,
  ];
}

function imageLines(image: ImageFigures): readonly string[] {
  const { reference, digest, hit, bytes, pullSeconds, flattenSeconds } = image;
  const steps = [
    ...(pullSeconds === undefined ? [] : [`pull ${seconds(pullSeconds)}`]),
    ...(flattenSeconds === undefined ? [] : [`flatten ${seconds(flattenSeconds)}`]),
  ];
  const detail = steps.length > 0 ? ` (${steps.join(", ")})` : "";
  return [
    row("Image", reference),
    ...(digest === undefined ? [] : [row("Digest", digest)]),
    ...(bytes === undefined ? [] : [row("Size", `${(bytes / 1e6).toFixed(1)} MB`)]),
    row("Cache", `${hit ? "hit" : "miss"}, ready in ${seconds(image.seconds)}${detail}`),
  ];
}

function reasonOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case "exited":
      return `exit status ${outcome.status}`;
    case "refused":
      return outcome.refusal.message;
    case "failed":
    case "cancelled":
      return outcome.message;
  }
}

function row(label: string, text: string): string {
  return `${`${label}:`.padEnd(LABEL_WIDTH)} ${text}`;
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

import type { HookRun, JobResult } from "../../runner/types.ts";

/** 128 + SIGINT, SIGTERM, SIGHUP: how a shell counts a program that ended by a signal. */
const SIGNAL_STATUS: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const SYSTEM_FAILURE = 2;

/** The exit status of `jacamar try`: the script's own, 1 for a refusal, 2 for the system, 128 + N for a signal. */
export function exitStatus(result: JobResult, signal: string | undefined): number {
  if (result.status === "success") return 0;
  if (result.status === "canceled") return SIGNAL_STATUS[signal ?? "SIGINT"] ?? 130;
  return result.failureReason === "script_failure" ? (result.exitCode ?? 1) : SYSTEM_FAILURE;
}

/** How a job ended, in one line. */
export function verdict(result: JobResult): string {
  const { status, failureReason, exitCode } = result;
  if (status !== "failed") return `the job ${status === "success" ? "succeeded" : "was cancelled"}`;
  if (failureReason !== "script_failure") return `the job failed: ${failureReason}`;
  const ranScript = result.hooks.some(({ stage }) => stage === "build_script");
  return ranScript
    ? `the job failed: script_failure, exit status ${exitCode ?? 1}`
    : "the job was refused or failed before its script: script_failure";
}

/** How long each hook took and how it ended, as lines of a table. */
export function timeTable(result: JobResult): string[] {
  const rows = result.hooks.map((run) => [nameOf(run, result), run.seconds, endOf(run)] as const);
  const total = result.hooks.reduce((sum, { seconds }) => sum + seconds, 0);
  const all = [...rows, ["total", total, ""] as const];
  const width = Math.max(...all.map(([name]) => name.length), "stage".length);
  return [
    `${"stage".padEnd(width)}  seconds`,
    ...all.map(([name, seconds, end]) =>
      `${name.padEnd(width)}  ${seconds.toFixed(2).padStart(7)}  ${end}`.trimEnd(),
    ),
  ];
}

function nameOf(run: HookRun, result: JobResult): string {
  return result.attempts > 1 ? `${run.stage} (attempt ${run.attempt})` : run.stage;
}

function endOf({ code, signal, gaveUp, startError }: HookRun): string {
  if (startError !== undefined) return "not started";
  if (gaveUp) return "did not end";
  if (signal !== null) return signal;
  return code === 0 ? "ok" : `exit ${code}`;
}

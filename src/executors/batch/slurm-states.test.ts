import { describe, expect, test } from "bun:test";
import type { JobState } from "./scheduler.ts";
import { slurm } from "./slurm.ts";

function record(state: string, reason: string, more = ""): string {
  return (
    `JobId=12 JobName=ci0 UserId=me(1) Account=(null) QOS=(null) JobState=${state} Reason=${reason} ` +
    `Dependency=(null) Requeue=0 ${more} TimeLimit=01:00:00 StartTime=Unknown ` +
    "Comment=JobState=COMPLETED Reason=None Restarts=9 ExitCode=0:0 \n"
  );
}

function state(text: string): JobState {
  const read = slurm.readState({ status: 0, stdout: text, stderr: "" }, "12");
  if ("again" in read) throw new Error("asked again");
  return read;
}

describe("readState()", () => {
  test.each([
    ["PENDING", "Priority"],
    ["PENDING", "Resources"],
    ["PENDING", "BeginTime"],
    ["PENDING", "Dependency"],
    ["PENDING", "QOSMaxJobsPerUserLimit"],
    ["PENDING", "QOSMaxNodePerUserLimit"],
    ["PENDING", "QOSGrpNodeLimit"],
    ["PENDING", "AssocGrpCpuLimit"],
    ["PENDING", "AssocMaxJobsLimit"],
    ["PENDING", "PartitionDown"],
    ["CONFIGURING", "Prolog"],
    ["REQUEUED", "BeginTime"],
    ["REQUEUE_FED", "X"],
    ["EXPEDITING", "X"],
    ["POWER_UP_NODE", "X"],
    ["UPDATE_DB", "X"],
    ["LAUNCH_FAILED", "X"],
    ["RECONFIG_FAIL", "X"],
    ["SOMETHING_NEW", "X"],
  ])("%s %s waits", (word, reason) => {
    expect(state(record(word, reason))).toEqual({ phase: "pending", word, reason });
  });

  test.each([
    ["PartitionTimeLimit", "--time"],
    ["PartitionNodeLimit", "--nodes"],
    ["PartitionConfig", "--partition"],
    ["DependencyNeverSatisfied", "--dependency"],
    ["BadConstraints", "--constraint"],
    ["InvalidAccount", "--account"],
    ["InvalidQOS", "--qos"],
    ["AccountNotAllowed", "--account"],
    ["QOSNotAllowed", "--qos"],
    ["ReservationDeleted", "--reservation"],
    ["MaxMemPerLimit", "--mem"],
    ["QOSMaxWallDurationPerJobLimit", "lower the request"],
    ["AssocMaxNodePerJobLimit", "lower the request"],
    ["QOSMaxCpuPerNode", "lower the request"],
    ["QOSMinCpuNotSatisfied", "lower the request"],
  ])("PENDING %s can never run", (reason, hint) => {
    const read = state(record("PENDING", reason));
    expect(read).toMatchObject({ phase: "pending", reason });
    const impossible = read.phase === "pending" ? read.impossible : "";
    expect(impossible).toStartWith(`${reason} (`);
    expect(impossible).toContain(hint);
  });

  test.each([
    ["PENDING", "JobHeldUser", "JobHeldUser", "user"],
    ["PENDING", "JobHeldAdmin", "JobHeldAdmin", "system"],
    ["PENDING", "JobHoldMaxRequeue", "JobHoldMaxRequeue", "system"],
    ["PENDING", "job_requeued_in_held_state", "job requeued in held state", "user"],
    ["PENDING", "launch_failed_requeued_held", "launch failed requeued held", "system"],
    ["REQUEUE_HOLD", "X", "X", "user"],
    ["SPECIAL_EXIT", "X", "X", "user"],
    ["RESV_DEL_HOLD", "X", "X", "user"],
  ] as const)("%s %s is held", (word, reason, shown, held) => {
    expect(state(record(word, reason))).toEqual({
      phase: "pending",
      word,
      reason: shown,
      held,
    });
  });

  test("has the expected start, and no reason where Slurm gives none", () => {
    const text = record("PENDING", "None").replace("=Unknown", "=2026-01-02T03:04:05");
    expect(state(text)).toEqual({
      phase: "pending",
      word: "PENDING",
      reason: "",
      startsAt: "2026-01-02T03:04:05",
    });
  });

  test("keeps the names of nodes in a reason", () => {
    const read = state(record("PENDING", "ReqNodeNotAvail,_UnavailableNodes:gpu_1"));
    expect(read).toMatchObject({ reason: "ReqNodeNotAvail, UnavailableNodes:gpu_1" });
  });

  test.each([
    "RUNNING",
    "COMPLETING",
    "SUSPENDED",
    "STOPPED",
    "RESIZING",
    "SIGNALING",
    "STAGE_OUT",
  ])("%s runs", (word) => {
    const read = state(record(word, "None", "Restarts=2"));
    expect(read).toEqual({ phase: "running", word, restarts: 2 });
  });

  test.each([
    ["COMPLETED", "None", "0:0", { kind: "completed" }],
    [
      "FAILED",
      "NonZeroExitCode",
      "7:0",
      { kind: "failed", status: 7, reason: "FAILED NonZeroExitCode 7:0" },
    ],
    [
      "FAILED",
      "JobLaunchFailure",
      "0:15",
      { kind: "failed", status: 143, reason: "FAILED, ended by signal 15" },
    ],
    [
      "FAILED",
      "JobLaunchFailure",
      "0:53",
      {
        kind: "cut",
        fault: "system",
        message:
          "Slurm job 12 could not be started (JobLaunchFailure, ExitCode 0:53): can the node write below the job's directories?",
      },
    ],
    [
      "TIMEOUT",
      "TimeLimit",
      "0:9",
      {
        kind: "cut",
        fault: "user",
        message: "Slurm job 12 reached its time limit of 01:00:00; ask for more with --time",
      },
    ],
    [
      "CANCELLED",
      "None",
      "0:15",
      {
        kind: "cut",
        fault: "user",
        message: "Slurm job 12 was cancelled, and not by this CI job",
      },
    ],
  ] as const)("%s %s %s has ended", (word, reason, code, ending) => {
    const read = state(record(word, reason, `ExitCode=${code}`));
    expect(read).toEqual({ phase: "ended", word, ending });
  });

  test.each([
    ["OUT_OF_MEMORY", "OutOfMemory", "user", "--mem"],
    ["DEADLINE", "DeadLine", "user", "--deadline"],
    ["CANCELLED", "DependencyNeverSatisfied", "user", "--dependency"],
    ["NODE_FAIL", "NodeDown", "system", "(NodeDown)"],
    ["BOOT_FAIL", "None", "system", "administrators"],
    ["PREEMPTED", "Preempted", "system", "--qos"],
    ["REVOKED", "None", "system", "cluster"],
  ])("%s %s was cut short", (word, reason, fault, text) => {
    const read = state(record(word, reason, "ExitCode=0:0"));
    expect(read).toMatchObject({ phase: "ended", word, ending: { kind: "cut", fault } });
    const ending = read.phase === "ended" ? read.ending : undefined;
    expect(ending?.kind === "cut" ? ending.message : "").toContain(text);
  });
});

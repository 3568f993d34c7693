import { describe, expect, test } from "bun:test";
import { type PbsJob, pbsStateOf } from "./pbs-states.ts";

const job = (more: Partial<PbsJob>): PbsJob => ({
  id: "12.srv",
  state: "F",
  substate: 92,
  exitStatus: undefined,
  runCount: 1,
  comment: "",
  walltime: "",
  arguments: "-r n /spool/run",
  holdTypes: "n",
  ...more,
});
const RUN = "Job run at Tue Nov 24 at 15:50 on (n1:ncpus=1)";

describe("pending", () => {
  test.each([
    [
      { state: "Q", substate: 10, comment: "Not Running: Not enough free nodes available" },
      { reason: "Not enough free nodes available" },
    ],
    [{ state: "Q", substate: 10 }, { reason: "" }],
    [
      {
        state: "Q",
        comment: "Can Never Run: Insufficient amount of resource: ncpus (R: 99 A: 2 T: 2)",
      },
      {
        reason: "Can Never Run: Insufficient amount of resource: ncpus (R: 99 A: 2 T: 2)",
        impossible: "Insufficient amount of resource: ncpus (R: 99 A: 2 T: 2)",
      },
    ],
    // A number is there, and says nothing: the job was put back into the queue.
    [{ state: "Q", exitStatus: -20 }, { reason: "" }],
    [
      {
        state: "H",
        substate: 20,
        exitStatus: -3,
        comment: "job held, too many failed attempts to run",
      },
      {
        reason:
          "job held, too many failed attempts to run; can the node write below the job's directories?",
        held: "system",
      },
    ],
    [
      { state: "H", substate: 20, holdTypes: "u" },
      {
        reason: "by its user (qhold, or -h in the site's default_qsub_arguments)",
        held: "user",
      },
    ],
    [
      { state: "H", substate: 20, holdTypes: "o", comment: "Not Running: Server is busy" },
      { reason: "by an operator: Server is busy", held: "system" },
    ],
    [
      { state: "H", substate: 20, holdTypes: "us" },
      { reason: "by PBS or its administrators", held: "system" },
    ],
    [
      { state: "H", substate: 20, holdTypes: "" },
      { reason: "no reason given", held: "system" },
    ],
    // A start that failed too often is no user's hold, whatever the letters say.
    [
      { state: "H", exitStatus: -3, holdTypes: "u" },
      {
        reason: "no reason given; can the node write below the job's directories?",
        held: "system",
      },
    ],
    [{ state: "H", substate: 22 }, { reason: "for the jobs of -W depend" }],
    [{ state: "W", substate: 30 }, { reason: "waiting for the time of -a" }],
    [{ state: "T" }, { reason: "on its way to another queue" }],
    [{ state: "Y", exitStatus: 0 }, { reason: "" }],
  ] as const)("%j", (more, said) => {
    const state = job({ substate: undefined, ...more });
    expect(pbsStateOf(state)).toEqual({ phase: "pending", word: state.state, ...said });
  });
});

test.each([
  ["R", 0, 0],
  ["R", 1, 0],
  ["R", 2, 1],
  ["E", 1, 0],
  ["S", 1, 0],
  ["U", 21, 20],
  ["B", 1, 0],
] as const)(
  "%s with run_count %j is running, started again %j times",
  (state, runCount, restarts) => {
    expect(pbsStateOf(job({ state, substate: 42, exitStatus: 0, runCount }))).toEqual({
      phase: "running",
      word: state,
      restarts,
    });
  },
);

test.each([
  [{ exitStatus: 0, comment: `${RUN} and finished` }, { kind: "completed" }],
  [
    { substate: 93, exitStatus: 7, comment: `${RUN} and failed` },
    { kind: "failed", status: 7, reason: "state F 93, failed, Exit_status 7" },
  ],
  [{ substate: 93, exitStatus: 255 }, { status: 255 }],
  [{ substate: 93, exitStatus: 143 }, { status: 143 }],
  [{ substate: 93, exitStatus: 265 }, { status: 137 }],
  [{ substate: 93, exitStatus: 271 }, { status: 143 }],
  // Zero with another substate than 92, or with none, is no proof of anything.
  [
    { substate: 93, exitStatus: 0 },
    { kind: "failed", reason: "state F 93, Exit_status 0" },
  ],
  [
    { substate: undefined, exitStatus: 0 },
    { kind: "failed", reason: "state F, Exit_status 0" },
  ],
  [
    { substate: 92, exitStatus: 3 },
    { kind: "failed", status: 3 },
  ],
  [{ state: "X", substate: 92, exitStatus: 0 }, { kind: "failed" }],
])("an end by itself: %j", (more, ending) => {
  expect(pbsStateOf(job(more))).toMatchObject({ phase: "ended", ending });
});

test.each([
  [
    { substate: 91, exitStatus: 271, comment: `${RUN} and terminated by me@login1` },
    "user",
    "PBS job 12.srv was deleted by me@login1, and not by this CI job",
  ],
  [
    { substate: 91, comment: "Not Running: x and terminated" },
    "user",
    "PBS job 12.srv was deleted, and not by this CI job",
  ],
  [{ substate: 91, exitStatus: 0 }, "user", "was deleted"],
  [{ substate: 91, exitStatus: -3 }, "user", "was deleted"],
  [
    { substate: 93, exitStatus: -29, walltime: "00:00:10" },
    "user",
    "PBS job 12.srv reached its time limit of 00:00:10; ask for more with -l walltime",
  ],
  [{ substate: 93, exitStatus: -29 }, "user", "reached its time limit; ask"],
  // Before 22.05 the number is the signal's.
  [
    { substate: 93, exitStatus: 271, comment: `${RUN} and exceeded resource walltime` },
    "user",
    "reached its time limit; ask for more with -l walltime",
  ],
  [
    { substate: 93, exitStatus: -27 },
    "user",
    "used more mem than it had; ask for more with -l mem",
  ],
  [{ substate: 93, exitStatus: -20 }, "system", "its node was lost (Exit_status -20)"],
  [{ substate: 93, exitStatus: -4 }, "system", "the node's MOM was restarted (Exit_status -4)"],
  [{ substate: 93, exitStatus: -99 }, "system", "PBS itself ended it (Exit_status -99)"],
  [{ substate: 92, exitStatus: -3 }, "system", "could not be started (Exit_status -3)"],
  [{ arguments: "-W depend=afterok:99999 -r n" }, "user", "change -W depend"],
  [{}, "system", "ended without ever running"],
  [{ state: "M", substate: undefined }, "system", "moved to another server"],
] as const)("cut: %j", (more, fault, says) => {
  const state = pbsStateOf(job(more));
  expect(state).toMatchObject({ phase: "ended", ending: { kind: "cut", fault } });
  expect(JSON.stringify(state)).toContain(says);
});

import { describe, expect, test } from "bun:test";
import { pbs } from "./pbs.ts";
import type { Answer } from "./scheduler.ts";

const answer = (status: number | undefined, stdout = "", stderr = ""): Answer => ({
  status,
  stdout,
  stderr,
});
const ID = "12.srv";
const HEAD = { timestamp: 1, pbs_version: "23.06.06", pbs_server: "srv" };
const json = (job?: object, id = ID) =>
  JSON.stringify(job === undefined ? HEAD : { ...HEAD, Jobs: { [id]: job } });
const NO_HISTORY = `qstat: PBS is not configured to maintain job history ${ID}\n`;
const DOWN = "Connection refused\nqstat: cannot connect to server srv (errno=15010)\n";

test("submit() puts the driver's words after the checked ones, and the wrapper last", () => {
  const job = {
    name: "ci0123",
    words: ["-q", "short"],
    directory: "/work/dir",
    output: "/spool/a%j,b/output",
    wrapper: "/spool/run",
    version: "",
  };
  expect(pbs.submit(job).argv).toEqual([
    ...["qsub", "-q", "short", "-f", "-C", "", "-r", "n", "-N", "ci0123"],
    ...["-j", "oe", "-k", "oed", "-o", "/spool/a%j,b/output", "/spool/run"],
  ]);
});

test.each([
  [answer(0, "12.srv\n"), { kind: "accepted", id: "12.srv" }],
  [answer(0, "1000012.srv-1.example.org\n"), { kind: "accepted", id: "1000012.srv-1.example.org" }],
  [answer(0, "17[].srv\n"), { kind: "accepted", id: "17[].srv" }],
  [answer(0, "welcome\n12.srv\n"), { kind: "accepted", id: "12.srv" }],
  // It waited for the job, or was given up afterwards.
  [answer(3, "12.srv\n"), { kind: "accepted", id: "12.srv" }],
  [answer(undefined, "12.srv\n"), { kind: "accepted", id: "12.srv" }],
  [answer(0), { kind: "lost", message: "qsub: status 0, no message" }],
  [answer(0, "12.srv\n13.srv\n"), { kind: "lost", message: "12.srv; 13.srv" }],
  [answer(0, "nonsense\n"), { kind: "lost", message: "nonsense" }],
  [answer(undefined, "", "gave up"), { kind: "lost", message: "gave up" }],
  [answer(undefined), { kind: "lost", message: "qsub gave no answer" }],
  [answer(170, "", "qsub: Unknown queue\n"), { kind: "refused", message: "Unknown queue" }],
  [
    answer(2, "", "qsub: illegal -l value\nusage: qsub [-a date_time] …\n\t[-A x]\n"),
    { kind: "refused", message: "illegal -l value" },
  ],
  [
    answer(162, "", "Connection refused\nqsub: cannot connect to server srv (errno=15010)\n"),
    {
      kind: "unreachable",
      message: "Connection refused; cannot connect to server srv (errno=15010)",
    },
  ],
  [
    answer(255, "", "pbsconf error: pbs.conf variables not found: PBS_HOME\n"),
    {
      kind: "unreachable",
      message: "pbsconf error: pbs.conf variables not found: PBS_HOME",
    },
  ],
  [answer(1, "", "qsub: End of File\n"), { kind: "lost", message: "End of File" }],
] as const)("readSubmission(%j)", (said, submitted) => {
  expect(pbs.readSubmission(said)).toEqual(submitted);
});

test.each([
  [answer(0, ""), []],
  [answer(0, "12.srv\n"), ["12.srv"]],
  [answer(0, "12.srv\n17[].srv\n"), ["12.srv", "17[].srv"]],
  [answer(1, "", "qselect: PBS is not configured to maintain job history\n"), []],
  [answer(162, "", "Connection refused\n"), undefined],
  [answer(undefined), undefined],
] as const)("readFound(%j)", (said, ids) => {
  expect(pbs.readFound(said)).toEqual(ids as readonly string[] | undefined);
});

test("find() asks for what is queued or running, which every server answers, then for what has ended", () => {
  expect(pbs.find("ci0").argv).toEqual(["qselect", "-N", "ci0"]);
  expect(pbs.findEnded?.("ci0").argv).toEqual(["qselect", "-x", "-N", "ci0"]);
});

test.each([
  [
    "=>> PBS: job killed: walltime 11 exceeded limit 10\nTerminated\n",
    "walltime 11",
    "-l walltime",
  ],
  ["x\n=>> PBS: job killed: mem 2100000kb exceeded limit 2097152kb\n", "mem 2100000kb", "-l mem"],
  ["it said =>> PBS: job killed: walltime 11 exceeded limit 10\n", undefined, ""],
  ["", undefined, ""],
] as const)("readOutput(%j)", (text, used, option) => {
  const said = pbs.readOutput?.(text, ID);
  if (used === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(`PBS job ${ID} was ended by PBS: ${used} exceeded the limit of`);
  expect(said ?? "").toContain(option);
});

describe("readState()", () => {
  const again = (...argv: string[]) => ({ again: { argv: ["qstat", ...argv, ID] } });
  const running = { job_state: "R", substate: 42, run_count: 1 };

  test("reads JSON, with the server's name long or short", () => {
    for (const id of [ID, "12.srv.example.org"])
      expect(pbs.readState(answer(0, json(running, id)), ID)).toEqual({
        phase: "running",
        word: "R",
        restarts: 0,
      });
  });

  test("reads fields, not what a user wrote into one", () => {
    const job = {
      Job_Name: "x",
      Resource_List: { walltime: "00:00:10" },
      Variable_List: { job_state: "R" },
      job_state: "F",
      substate: 93,
      Exit_status: -29,
    };
    const state = pbs.readState(answer(0, json(job)), ID);
    expect(JSON.stringify(state)).toContain("reached its time limit of 00:00:10");
  });

  test("asks without -x where there is no history, then takes an unknown job for forgotten", () => {
    expect(pbs.readState(answer(0, json(), NO_HISTORY), ID)).toEqual(again("-f", "-F", "json"));
    const unknown = answer(153, json(), `qstat: Unknown Job Id ${ID}\n`);
    expect(pbs.readState(unknown, ID)).toEqual({
      phase: "forgotten",
      note: expect.stringContaining("job_history_enable"),
    });
  });

  test("asks with -x for a job that has finished", () => {
    const finished = answer(35, json(), `qstat: ${ID} Job has finished, use -x or -H to obtain\n`);
    expect(pbs.readState(finished, ID)).toEqual(again("-x", "-f", "-F", "json"));
  });

  test("reads lines where the JSON is not valid, with and without history", () => {
    expect(pbs.readState(answer(0, '{"Jobs":{"12.srv":{"A":005'), ID)).toEqual(again("-x", "-f"));
    expect(pbs.readState(answer(0, "", NO_HISTORY), ID)).toEqual(again("-f"));
    const lines = [
      "Job Id: 12.srv",
      "    Job_Name = x",
      "    job_state = F",
      "    substate = 92",
      "    Exit_status = 0",
      "    Submit_arguments = -A a\n\tb -N x",
      "    Account_Name = a\n    job_state = R",
      "",
      "Job Id: 13.srv",
      "    job_state = Q",
    ].join("\n");
    expect(pbs.readState(answer(0, lines), ID)).toEqual({
      phase: "ended",
      word: "F",
      ending: { kind: "completed" },
    });
    expect(pbs.readState(answer(0, lines), "13.srv")).toMatchObject({ phase: "pending" });
  });

  test.each([
    [answer(255, "", DOWN), "Connection refused; cannot connect to server srv (errno=15010)"],
    [answer(255, json(), DOWN), "Connection refused; cannot connect to server srv (errno=15010)"],
    [answer(undefined), "qstat gave no answer"],
    [answer(0), "qstat: status 0, no message"],
    // No word of the job with status 0: that is no end.
    [answer(0, json()), "qstat: status 0, no message"],
    [answer(0, json({ job_state: "F" }, "99.srv")), "qstat: status 0, no message"],
    [answer(0, json({ comment: "no state" })), "qstat: status 0, no message"],
    [answer(0, "[]"), "[]"],
  ] as const)("%j says nothing about the job", (said, message) => {
    expect(pbs.readState(said, ID)).toEqual({ phase: "unreachable", message });
  });
});

test("query() and cancel() name one job", () => {
  expect(pbs.query(ID).argv).toEqual(["qstat", "-x", "-f", "-F", "json", ID]);
  expect(pbs.cancel(ID).argv).toEqual(["qdel", ID]);
});

test.each([
  [answer(0), "accepted"],
  [answer(35, "", "qdel: Job has finished 12.srv\n"), "over"],
  [answer(153, "", "qdel: Unknown Job Id 12.srv\n"), "over"],
  [answer(222, "", "qdel: Server could not connect to MOM 12.srv\n"), "retry"],
  [answer(162, "", "Connection refused\n"), "retry"],
  [answer(undefined), "retry"],
] as const)("readCancel(%j)", (said, result) => {
  expect(pbs.readCancel(said)).toBe(result);
});

test("keepsVariable() keeps what names the server, and nothing that acts as an option", () => {
  for (const name of ["PBS_CONF_FILE", "PBS_SERVER", "PBS_DEFAULT", "PBS_EXEC"])
    expect([name, pbs.keepsVariable(name)]).toEqual([name, true]);
  for (const name of [
    ...["PBS_JOBID", "PBS_SHELL", "PBS_DPREFIX", "PBS_TMPDIR", "PBS_BATCH_SERVICE_PORT"],
    ...["PBS_AUTH_METHOD", "PBS_PRIMARY", "PBS_O_WORKDIR", "QSTATRCHOME", "CI_JOB_TOKEN"],
  ])
    expect([name, pbs.keepsVariable(name)]).toEqual([name, false]);
});

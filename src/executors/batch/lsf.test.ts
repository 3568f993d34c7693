import { describe, expect, test } from "bun:test";
import { lsf } from "./lsf.ts";
import type { JobState } from "./scheduler.ts";

function ask(stdout: string, stderr: string, status: number | undefined) {
  return lsf.readState({ status, stdout, stderr }, "12");
}

function state(stdout: string, stderr = "", status: number | undefined = 0): JobState {
  const read = ask(stdout, stderr, status);
  if ("again" in read) throw new Error(`asks ${read.again.argv.join(" ")}`);
  return read;
}

function again(stdout: string, stderr: string, status: number | undefined): string {
  const read = ask(stdout, stderr, status);
  return "again" in read ? read.again.argv.join(" ") : `${read.phase}`;
}

test("the submission: the driver's words come last, the command is one word for a Bourne shell", () => {
  const job = {
    name: "ci0",
    words: ["-W", "10"],
    directory: "/b d",
    output: "/s/output",
    wrapper: "/s d/it's/job.bash",
    version: "",
  };
  expect(lsf.submit(job).argv).toEqual([
    ...["bsub", "-W", "10", "-rn", "-env", "none", "-cwd", "/b d", "-J", "ci0"],
    ...["-oo", "/s/output.report", "'/s d/it'\\''s/job.bash'"],
  ]);
});

test("bkill never gets anything but a job's own id", () => {
  expect(lsf.cancel("12").argv).toEqual(["bkill", "12"]);
  for (const id of ["", "0", "12 0", "-r", "x"]) expect(() => lsf.cancel(id)).toThrow();
});

test("only LSF's own places pass from the hook's environment", () => {
  expect(["LSF_ENVDIR", "LSF_SERVERDIR", "LSF_LIBDIR", "LSF_BINDIR"].every(lsf.keepsVariable)).toBe(
    true,
  );
  expect(
    ["LSB_DEFAULTQUEUE", "LSB_JOBID", "BSUB_QUIET", "LSF_X", "PATH"].some(lsf.keepsVariable),
  ).toBe(false);
});

describe("readSubmission()", () => {
  test.each([
    ["Job <12> is submitted to default queue <normal>.\n", "", 0, "12"],
    ["", "Job <12> is submitted to queue <q>.\n", 0, "12"],
    [
      "Checking <99> …\nJob <12> is submitted to queue <q>.\nEnjoy\n",
      "LSF is down. Please wait ...\n",
      0,
      "12",
    ],
    ["Job <12> is submitted to queue <q>.\n", "", undefined, "12"],
  ])("%j: accepted", (stdout, stderr, status, id) => {
    expect(lsf.readSubmission({ status, stdout, stderr })).toEqual({ kind: "accepted", id });
  });

  test.each([
    ["q: No such queue. Job not submitted.\n", 255, "refused"],
    ["Too many processors requested. Job not submitted.\n", 255, "refused"],
    ["Request aborted by esub. Job not submitted.\n", 255, "refused"],
    ["LSF is down. Please wait ...\nq: No such queue. Job not submitted.\n", 255, "refused"],
    [
      "Failed in an LSF library call: LIM is down; try later. Job not submitted.\n",
      255,
      "unreachable",
    ],
    ["LSF is down. Please wait ...\n", 255, "unreachable"],
    ["Batch service not registered. Job not submitted.\n", 255, "unreachable"],
    ["Cannot open lsf.conf file\n", 255, "unreachable"],
    ["Contacting batch daemon: Communication timeout\n", 255, "lost"],
    ["Failed in sending/receiving a message: Connection reset by peer\n", 255, "lost"],
    ["", 255, "lost"],
    ["", 0, "lost"],
    ["Welcome\n", 0, "lost"],
    ["LSF is down. Please wait ...\n", undefined, "lost"],
  ])("%j %p: %s", (stderr, status, kind) => {
    expect(lsf.readSubmission({ status, stdout: "", stderr }).kind).toBe(kind as "lost");
  });
});

describe("readFound()", () => {
  test.each([
    ["12\n", "", 0, ["12"]],
    ["12\n13\n", "", 255, ["12", "13"]],
    ["", "Job <ci0> is not found\n", 255, []],
    ["", "Job <ci0> is not found\n", 0, []],
    ["No unfinished job found\n", "", 0, []],
    ["", "No job found\n", 255, []],
    ["", "", 0, undefined],
    ["", "LSF is down. Please wait ...\n", 255, undefined],
    ["", "Job <ci0> is not found\n", undefined, undefined],
  ])("%j %j", (stdout, stderr, status, ids) => {
    expect(lsf.readFound({ status, stdout, stderr })).toEqual(ids);
  });
});

describe("readState()", () => {
  test.each([
    ["RUN", "running"],
    ["USUSP", "running"],
    ["SSUSP", "running"],
    ["UNKWN", "running"],
    ["ZOMBI", "running"],
    ["PEND", "pending"],
    ["WAIT", "pending"],
    ["PROV", "pending"],
    ["SOMETHING_NEW", "pending"],
  ])("%s is no end: %s", (word, phase) => {
    expect(state(`12^${word}^-^-^-\n`)).toMatchObject({ phase, word });
    expect(state(`12^${word}^-\n`)).toMatchObject({ phase, word });
  });

  test("why a job waits may go over lines", () => {
    expect(
      state("12^PEND^-^-^ Job's resource requirements not satisfied: 2 hosts;\n Closed: 1 host;\n"),
    ).toEqual({
      phase: "pending",
      word: "PEND",
      reason: "Job's resource requirements not satisfied: 2 hosts; Closed: 1 host",
    });
    expect(state("12^PEND^-^-^Dependency condition invalid or never satisfied;\n")).toMatchObject({
      impossible: "Dependency condition invalid or never satisfied (change -w)",
    });
    expect(state("12^PSUSP^-^-^-\n")).toMatchObject({ phase: "pending", held: "user" });
    expect(
      state("12^PSUSP^-^-^The job was suspended by LSF admin or root while pending;\n"),
    ).toMatchObject({ phase: "pending", held: "system" });
  });

  test.each([
    ["DONE^-^-^-", { kind: "completed" }],
    ["DONE^0^-^-", { kind: "completed" }],
    ["POST_DONE^-^-^-", { kind: "completed" }],
    ["EXIT^1^-^-", { kind: "failed", status: 1, reason: "EXIT, exit code 1" }],
    ["POST_ERR^3^-^-", { kind: "failed", status: 3, reason: "POST_ERR, exit code 3" }],
  ] as const)("%s", (text, ending) => {
    expect(state(`12^${text}\n`)).toMatchObject({ phase: "ended", ending });
  });

  test.each([
    ["TERM_RUNLIMIT: job killed after reaching LSF run time limit", "user", "-W"],
    ["TERM_CPULIMIT: x", "user", "-c"],
    ["TERM_MEMLIMIT: x", "user", "-M"],
    ["TERM_SWAP: x", "user", "-v"],
    ["TERM_PROCESSLIMIT: x", "user", "-p"],
    ["TERM_THREADLIMIT: x", "user", "-T"],
    ["TERM_DEADLINE: x", "user", "-t"],
    ["TERM_OWNER: job killed by owner", "user", "cancelled, and not by this CI job"],
    ["TERM_FORCE_OWNER: x", "user", "removed"],
    ["TERM_ADMIN: x", "user", "administrator"],
    ["TERM_EXTERNAL_SIGNAL: x", "user", "signal"],
    ["TERM_ZOMBIE: x", "system", "not there to see it"],
    ["TERM_LOAD: x", "system", "load"],
    ["TERM_PREEMPT: x", "system", "preempted"],
    ["TERM_REQUEUE_OWNER: x", "system", "by LSF"],
    ["TERM_REQUEUE_ADMIN: x", "system", "by LSF"],
    ["TERM_DATA: x", "system", "data"],
    ["TERM_CWD_NOTEXIST: x", "system", "directory"],
    ["TERM_MC_RECALL: x", "system", "by LSF"],
    ["TERM_KUBE: x", "system", "by LSF"],
    ["TERM_CSM_ALLOC: x", "system", "allocation"],
    ["TERM_SOMETHING_NEW: x", "system", "TERM_SOMETHING_NEW"],
  ])("EXIT with %s is cut: %s", (reason, fault, text) => {
    const read = state(`12^EXIT^130^${reason}^-\n`);
    expect(read).toMatchObject({ phase: "ended", ending: { kind: "cut", fault } });
    expect(JSON.stringify(read)).toContain(text);
  });

  test.each([["137"], ["-"], ["0"], ["127"], ["7"]])("EXIT %s alone is asked about", (code) => {
    expect(again(`12^EXIT^${code}^-^-\n`, "", 0)).toBe("bjobs -a -l 12");
    expect(again(`12^EXIT^${code}\n`, "", 0)).toBe("bjobs -a -l 12");
  });

  test("without the field for the reason, every EXIT is asked about", () => {
    expect(again("12^EXIT^1\n", "", 0)).toBe("bjobs -a -l 12");
  });

  test.each([
    [
      "Exited with exit code 137. The CPU time used is 1.0 seconds;",
      "",
      { kind: "failed", status: 137, reason: "EXIT, ended by signal 9" },
    ],
    ["Exited by signal 9. The CPU time used is 1.0 seconds;", "", { kind: "failed", status: 137 }],
    [
      "Exited by LSF signal 9. The CPU time used is 1.0 seconds;",
      "",
      { kind: "failed", status: 137 },
    ],
    [
      "Exited with exit code 2. The CPU time used is 0.1 seconds;",
      "",
      { kind: "cut", fault: "system" },
    ],
    [
      "Exited with exit code 127. The CPU time used is 0.1 seconds;",
      "",
      { kind: "cut", fault: "system" },
    ],
    ["Exited; job has been forced to exit with exit code 1.", "", { kind: "failed" }],
    [
      "Exited with exit code 1. The CPU time used is 31911.0 seco\n                     nds;",
      "Tue Dec 23 16:34:13 2025: Completed <exit>; TERM_MEMLIMIT: job killed after reaching\n                      LSF memory usage limit;",
      { kind: "cut", fault: "user" },
    ],
    [
      "Exited by signal 24. The CPU time used is 1.0 seconds;",
      "Tue Dec 23 16:34:13: Completed <exit>; TERM_RUNL\n                     IMIT: job killed;",
      { kind: "cut", fault: "user" },
    ],
  ] as const)("the long form: %s %s", (exited, completed, ending) => {
    const events = `Tue Dec 23 14:46:43: Submitted from host <h>, CWD </x>;\nTue Dec 23 16:34:13: ${exited}\n\n${completed}\n`;
    const bjobs = `\nJob <12>, Job Name <ci0>, User <me>, Status <EXIT>, Queue <q>, Comma\n                     nd </x>\n${events}`;
    const bhist = `\nJob <12>, Job Name <ci0>, User <me>, Project <default>, Command </x>\n${events}`;
    for (const text of [bjobs, bhist]) {
      expect(state(text)).toMatchObject({ phase: "ended", word: "EXIT", ending });
    }
  });

  test("a long form without an end", () => {
    expect(state("Job <12>, User <me>, Status <EXIT>, Queue <q>\n")).toMatchObject({
      phase: "ended",
      ending: { kind: "failed" },
    });
    expect(state("Job <12>, User <me>, Status <RUN>, Queue <q>\n").phase).toBe("running");
    expect(
      state("Job <12>, User <me>, Project <p>\nTue Dec 23 14:46:43: Submitted from host <h>\n")
        .phase,
    ).toBe("unreachable");
    expect(
      state(
        "Job <12>, User <me>, Project <p>\nTue Dec 23 14:46:43: Done successfully. The CPU time\n",
      ),
    ).toMatchObject({ phase: "ended", ending: { kind: "completed" } });
    // A first run's end does not count once the second has one.
    expect(
      state(
        "Job <12>, User <me>, Project <p>\nTue Dec 23 14:46:43: Exited with exit code 3. The\nTue Dec 23 14:46:43: Completed <exit>; TERM_REQUEUE_OWNER: x\n" +
          "Tue Dec 23 14:46:50: Done successfully. The CPU time\nTue Dec 23 14:46:50: Completed <done>;\n",
      ),
    ).toMatchObject({ phase: "ended", ending: { kind: "completed" } });
  });

  test.each([
    ["", "Job <12> is not found\n", 255, "bhist -l -n2 12"],
    ["", "Job <12> is not found\n", 0, "bhist -l -n2 12"],
    ["No unfinished job found\n", "", 0, "bhist -l -n2 12"],
    ["", "No job found\n", 255, "bhist -l -n2 12"],
    [
      "",
      "exit_reason is not a valid field name.\n",
      255,
      "bjobs -a -noheader -o jobid stat exit_code delimiter='^' 12",
    ],
    ["", "No matching job found\n", 255, "forgotten"],
    ["", "/lsf/logdir/lsb.events: No such file or directory\n", 255, "forgotten"],
    ["", "Job <123> is not found\n", 255, "unreachable"],
    ["123^DONE^-^-^-\n", "", 0, "unreachable"],
    ["12^\n", "", 0, "unreachable"],
    ["", "", 0, "unreachable"],
    ["", "LSF is down. Please wait ...\n", 255, "unreachable"],
    ["12^DONE^-", "", undefined, "unreachable"],
  ])("%j %j %p: %s", (stdout, stderr, status, wanted) => {
    expect(again(stdout, stderr, status)).toBe(wanted);
  });
});

test.each([
  ["Job <12> is being terminated\n", "", 0, "accepted"],
  ["Job <12> is being signaled\n", "", 0, "accepted"],
  ["", "Job <12>: Job has already finished\n", 255, "over"],
  ["", "Job <12>: No matching job found\n", 255, "over"],
  ["", "LSF is down. Please wait ...\n", 255, "retry"],
  ["", "", 0, "retry"],
  ["", "", undefined, "retry"],
] as const)("readCancel() %j %j: %s", (stdout, stderr, status, wanted) => {
  expect(lsf.readCancel({ status, stdout, stderr })).toBe(wanted);
});

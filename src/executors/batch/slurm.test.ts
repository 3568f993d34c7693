import { describe, expect, test } from "bun:test";
import type { Answer } from "./scheduler.ts";
import { slurm } from "./slurm.ts";

const answer = (status: number | undefined, stdout = "", stderr = ""): Answer => ({
  status,
  stdout,
  stderr,
});

describe("submit()", () => {
  const job = {
    name: "ci0123",
    words: ["-N2", "--time", "5"],
    directory: "/work/dir",
    output: "/spool/100%/job%j.out",
    wrapper: "/spool/run",
    version: "",
  };

  test("puts the driver's words after the checked ones, and the wrapper last", () => {
    expect(slurm.submit(job).argv).toEqual([
      ...["sbatch", "-N2", "--time", "5", "--parsable", "--no-requeue", "--ignore-pbs"],
      ...["--export=NONE", "--job-name=ci0123", "--chdir=/work/dir"],
      ...["--output=/spool/100%%/job%%j.out", "--open-mode=truncate", "/spool/run"],
    ]);
  });

  test.each([
    ["", "NONE"],
    ["22.05.8", "NONE"],
    ["23.02", "NONE"],
    ["23.02.2", "NONE"],
    ["23.02.3", "NIL"],
    ["23.11.0", "NIL"],
    ["24.05", "NIL"],
    ["26.05.1", "NIL"],
  ])("with version %j passes the environment %s", (version, mode) => {
    expect(slurm.submit({ ...job, version }).argv).toContain(`--export=${mode}`);
  });
});

test.each([
  [answer(0, "12\n"), { kind: "accepted", id: "12" }],
  [answer(0, "12;other\n"), { kind: "accepted", id: "12" }],
  [answer(0, "note of a plug-in\n12\n"), { kind: "accepted", id: "12" }],
  [answer(0), { kind: "lost", message: "sbatch: status 0, no message" }],
  [answer(undefined, "", "gave up"), { kind: "lost", message: "gave up" }],
  [answer(undefined), { kind: "lost", message: "sbatch gave no answer" }],
  [
    answer(
      1,
      "",
      "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition name specified\n",
    ),
    {
      kind: "refused",
      message:
        "invalid partition specified: x; Batch job submission failed: Invalid partition name specified",
    },
  ],
  [
    answer(255, "", "sbatch: error: Invalid --time specification\n"),
    { kind: "refused", message: "Invalid --time specification" },
  ],
  [
    answer(
      1,
      "",
      "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)\n",
    ),
    {
      kind: "unreachable",
      message: "Batch job submission failed: Unable to contact slurm controller (connect failure)",
    },
  ],
  [
    answer(
      1,
      "",
      "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n",
    ),
    {
      kind: "lost",
      message: "Batch job submission failed: Socket timed out on send/recv operation",
    },
  ],
] as const)("readSubmission(%j)", (said, submitted) => {
  expect(slurm.readSubmission(said)).toEqual(submitted);
});

test.each([
  [answer(0, ""), []],
  [answer(0, "12\n"), ["12"]],
  [answer(0, "12\n13\n"), ["12", "13"]],
  [answer(1, "", "slurm_load_jobs error: Unable to contact slurm controller"), undefined],
  [answer(undefined), undefined],
] as const)("readFound(%j)", (said, ids) => {
  expect(slurm.readFound(said)).toEqual(ids as readonly string[] | undefined);
});

test("readState() knows nothing of a job that Slurm does not know, and no end when it cannot ask", () => {
  const unknown = answer(1, "", "slurm_load_jobs error: Invalid job id specified\n");
  expect(slurm.readState(unknown, "12")).toEqual({ phase: "forgotten" });
  for (const [said, message] of [
    [
      answer(
        1,
        "",
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n",
      ),
      "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
    ],
    [answer(undefined), "scontrol gave no answer"],
    [answer(0), "scontrol: status 0, no message"],
    [answer(0, "No jobs in the system\n"), "No jobs in the system"],
  ] as const)
    expect(slurm.readState(said, "12")).toEqual({ phase: "unreachable", message });
});

test.each([
  [answer(0), "accepted"],
  [answer(1, "", "scancel: error: Kill job error on job id 12: Invalid job id specified"), "over"],
  [
    answer(
      1,
      "",
      "scancel: error: Kill job error on job id 12: Job/step already completing or completed",
    ),
    "over",
  ],
  [answer(1, "", "scancel: error: Unable to contact slurm controller"), "retry"],
  [answer(undefined), "retry"],
] as const)("readCancel(%j)", (said, result) => {
  expect(slurm.readCancel(said)).toBe(result);
});

test("keepsVariable() drops whatever acts as an option", () => {
  expect(slurm.keepsVariable("SLURM_CONF")).toBe(true);
  for (const name of [
    ...["SLURM_JOB_ID", "SLURM_CLUSTERS", "SLURM_JWT", "SLURM_CONF_X", "SBATCH_OUTPUT"],
    ...["SQUEUE_FORMAT", "SCANCEL_USER", "SALLOC_X", "SRUN_X", "SINFO_X", "CI_JOB_TOKEN"],
  ])
    expect([name, slurm.keepsVariable(name)]).toEqual([name, false]);
});

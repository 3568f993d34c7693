import { describe, expect, test } from "bun:test";
import { flux } from "./flux.ts";
import type { Answer, JobState, Submitted } from "./scheduler.ts";

const answer = (status: number | undefined, stdout = "", stderr = ""): Answer => ({
  status,
  stdout,
  stderr,
});
const refusal = (status: number, text: string) => answer(status, "", text);
const NO_BROKER =
  "flux-batch: ERROR: Unable to connect to Flux: broker socket /run/flux/local was not found\n";

test("submit() puts the driver's words after the checked ones, and the wrapper last", () => {
  const { argv, env } = flux.submit({
    name: "ci0123",
    words: ["-N2", "-t", "5m"],
    directory: "/work/dir",
    output: "/spool/output",
    wrapper: "/spool/run",
    version: "",
  });
  expect(argv).toEqual([
    ...["flux", "batch", "-N2", "-t", "5m"],
    ...["--env-remove=*", "--env=PATH", "--env=HOME", "--env=LANG"],
    ...["--cwd=/work/dir", "--output=/spool/output", "--job-name=ci0123", "/spool/run"],
  ]);
  expect(env).toEqual({ FLUX_F58_FORCE_ASCII: "1" });
});

test.each<[Answer, Submitted]>([
  [answer(0, "fMFBCC7\n"), { kind: "accepted", id: "fMFBCC7" }],
  [answer(0, "ƒMFBCC7\n"), { kind: "accepted", id: "ƒMFBCC7" }],
  [answer(0, "words of a plug-in\nfMFBCC7\n"), { kind: "accepted", id: "fMFBCC7" }],
  [answer(0), { kind: "lost", message: "flux batch: status 0, no message" }],
  [answer(0, "12\n"), { kind: "lost", message: "12" }],
  [answer(undefined), { kind: "lost", message: "flux batch gave no answer" }],
  [
    refusal(1, "flux-batch: ERROR: 'nosuch' is not a valid queue\n"),
    { kind: "refused", message: "'nosuch' is not a valid queue" },
  ],
  [
    refusal(2, "usage: flux batch …\nflux-batch: error: unrecognized arguments: --x\n"),
    { kind: "refused", message: "usage: flux batch …; error: unrecognized arguments: --x" },
  ],
  [
    refusal(1, NO_BROKER),
    {
      kind: "unreachable",
      message: "Unable to connect to Flux: broker socket /run/flux/local was not found",
    },
  ],
  [
    refusal(1, "flux-batch: ERROR: [Errno 104] Connection reset by peer\n"),
    { kind: "lost", message: "[Errno 104] Connection reset by peer" },
  ],
])("readSubmission(%j)", (given, submitted) => {
  expect(flux.readSubmission(given)).toEqual(submitted);
});

describe("find()", () => {
  test("asks for the name among all jobs", () => {
    expect(flux.find("ci0").argv).toEqual(["flux", "jobs", "-a", "--name=ci0", "-no", "{id.f58}"]);
  });
  test.each([
    [answer(0, "fMF1\n\nfMF2\n"), ["fMF1", "fMF2"]],
    [answer(0), []],
    [refusal(1, NO_BROKER), undefined],
    [answer(undefined), undefined],
  ])("%j", (given, found) => {
    expect(flux.readFound(given)).toEqual(found);
  });
});

describe("readState()", () => {
  test.each<[Answer, JobState]>([
    [answer(0, "RUN|||16|||\n"), { phase: "running", word: "RUN" }],
    [
      answer(0, "DEPEND|||16||begin-time=1.0|\n"),
      { phase: "pending", word: "DEPEND", reason: "dependency begin-time=1.0" },
    ],
    [
      answer(0, "SCHED|||0|||\n"),
      { phase: "pending", word: "SCHED", reason: "urgency 0", held: "user" },
    ],
    [
      answer(0, "INACTIVE|COMPLETED|0|16|||\n"),
      { phase: "ended", word: "INACTIVE COMPLETED", ending: { kind: "completed" } },
    ],
    [
      answer(0, "INACTIVE|CANCELED|-128|16|cancel||a|b\nc\n"),
      {
        phase: "ended",
        word: "INACTIVE CANCELED",
        ending: {
          kind: "cut",
          fault: "user",
          message: "Flux job fMF was cancelled, and not by this CI job (a|b c)",
        },
      },
    ],
    [refusal(1, "flux-jobs: ERROR: JobID fMF unknown\n"), { phase: "forgotten" }],
    [
      refusal(1, NO_BROKER),
      {
        phase: "unreachable",
        message: "Unable to connect to Flux: broker socket /run/flux/local was not found",
      },
    ],
    [answer(0, ""), { phase: "unreachable", message: "flux jobs: status 0, no message" }],
    [answer(0, "INACTIVE|COMPL"), { phase: "unreachable", message: "INACTIVE|COMPL" }],
    [answer(undefined), { phase: "unreachable", message: "flux jobs gave no answer" }],
    [refusal(2, "bad id"), { phase: "unreachable", message: "bad id" }],
  ])("%j", (given, state) => {
    expect(flux.readState(given, "fMF")).toEqual(state);
  });
});

test.each([
  [answer(0), "accepted"],
  [refusal(1, "flux-cancel: ERROR: fMF: job is inactive\n"), "over"],
  [refusal(1, "flux-cancel: ERROR: fMF: unknown job id\n"), "over"],
  [refusal(1, NO_BROKER), "retry"],
  [answer(undefined), "retry"],
] as const)("readCancel(%j)", (given, meaning) => {
  expect(flux.readCancel(given)).toBe(meaning);
});

test("keeps no variable of the hook's: FLUX_URI is set in [batch] env_vars", () => {
  for (const name of ["FLUX_URI", "FLUX_HANDLE_USERID", "FLUX_JOB_ID", "PATH", "PYTHONPATH"])
    expect(flux.keepsVariable(name)).toBe(false);
});

import { expect, test } from "bun:test";
import { figuresOf, outcomeOf } from "./attempt-figures.ts";
import type { HookOutcome, Note, StageNote } from "./notes.ts";

const hook = (name: "config" | "prepare", outcome: HookOutcome = "success"): Note => {
  return { kind: "hook", hook: name, outcome, seconds: 1 };
};
const ready = [hook("config"), hook("prepare")];
const stage = (name: string, status = 0, word: StageNote["word"] = "exited", pid = 7): Note => {
  return { kind: "stage", stage: name, pid, word, status, seconds: 2 };
};

const CASES: readonly [string, string, readonly Note[], number?][] = [
  ["all stages", "success", [...ready, stage("get_sources"), stage("build_script")], 7],
  ["the script", "script_failure", [...ready, stage("build_script", 3)], 7],
  ["a helper", "script_failure", [...ready, stage("build_script"), stage("archive_cache", 1)], 7],
  ["after_script", "success", [...ready, stage("build_script"), stage("after_script", 1)], 7],
  [
    "a stage that is tried again",
    "success",
    [...ready, stage("get_sources", 1), stage("get_sources"), stage("step_script")],
    7,
  ],
  ["a lost status", "system_failure", [...ready, stage("build_script", -1, "failed")], 7],
  ["a refused request", "refused", [...ready, stage("build_script", -1, "refused")], 7],
  [
    "a cancelled stage",
    "cancelled",
    [...ready, stage("build_script", -1, "cancelled"), stage("after_script")],
    7,
  ],
  ["no script", "cancelled", [...ready, stage("get_sources")], 7],
  ["a stage without an end", "unknown", [...ready, stage("get_sources")], 8],
  ["a killed prepare", "unknown", [hook("config")]],
  ["a refusing config", "refused", [hook("config", "refused")]],
  ["a failing prepare", "system_failure", [hook("config"), hook("prepare", "system_failure")]],
  ["a cancelled prepare", "cancelled", [hook("config"), hook("prepare", "cancelled")]],
  ["an odd word", "system_failure", [hook("config", "evil" as never)]],
];

for (const [name, outcome, notes, running] of CASES) {
  test(`${name}: ${outcome}`, () =>
    expect<string>(outcomeOf(notes, { stages: [], pid: running })).toBe(outcome));
}

test("a stage that began and has no note, though others came after it: unknown", () => {
  const notes = [...ready, stage("get_sources"), stage("cleanup_file_variables")];
  const stages = ["get_sources", "build_script", "cleanup_file_variables"];
  expect(outcomeOf(notes, { stages, pid: 7 })).toBe("unknown");
});

const begun = { stages: [], pid: 7 };

test("phases have their seconds; a batch job's run is without its queue", () => {
  const image: Note = {
    kind: "image",
    digest: "d",
    puller: "builtin",
    hit: false,
    bytes: 9,
    pull: 3,
    flatten: 4,
  };
  const plain = figuresOf("shell", [...ready, image, stage("build_script")], begun);
  expect(plain.seconds).toEqual([
    { phase: "prepare", seconds: 1 },
    { phase: "pull", seconds: 3 },
    { phase: "flatten", seconds: 4 },
    { phase: "run", seconds: 2 },
  ]);
  expect(plain.images).toEqual([{ puller: "builtin", hit: false, bytes: 9 }]);
  const batch: Note = { kind: "batch", queue: 60, run: 5 };
  expect(figuresOf("pbs", [...ready, batch, stage("build_script")], begun).seconds).toEqual([
    { phase: "prepare", seconds: 1 },
    { phase: "queue", seconds: 60 },
    { phase: "run", seconds: 5 },
  ]);
});

test("what a job could write itself adds no label", () => {
  const notes = [
    { kind: "image", puller: "evil", hit: true, bytes: 1 },
    { kind: "evicted", what: "evil", count: 1, bytes: 1 },
  ] as never as readonly Note[];
  expect(figuresOf("shell", notes, { stages: [], pid: undefined })).toMatchObject({
    images: [],
    evictions: [],
  });
});

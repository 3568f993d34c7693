import { expect, test } from "bun:test";
import { type FluxJob, fluxStateOf } from "./flux-states.ts";
import type { Ending, JobState } from "./scheduler.ts";

const job = (line: string, note = ""): FluxJob => {
  const [state = "", result = "", returncode = "", urgency = "16", exception = ""] =
    line.split("|");
  return { id: "fMF", state, result, returncode, urgency, exception, note };
};

test.each<[FluxJob, JobState]>([
  [job("DEPEND"), { phase: "pending", word: "DEPEND", reason: "" }],
  [
    job("DEPEND", "begin-time=1796000000.000"),
    { phase: "pending", word: "DEPEND", reason: "dependency begin-time=1796000000.000" },
  ],
  [job("PRIORITY"), { phase: "pending", word: "PRIORITY", reason: "" }],
  [job("SCHED"), { phase: "pending", word: "SCHED", reason: "" }],
  [job("SCHED|||0"), { phase: "pending", word: "SCHED", reason: "urgency 0", held: "user" }],
  [job("NEW"), { phase: "pending", word: "NEW", reason: "" }],
  [job(""), { phase: "pending", word: "", reason: "" }],
  [job("RUN"), { phase: "running", word: "RUN" }],
  [job("CLEANUP"), { phase: "running", word: "CLEANUP" }],
  [job("CLEANUP|||0"), { phase: "running", word: "CLEANUP" }],
  [
    job("INACTIVE|COMPLETED|0"),
    { phase: "ended", word: "INACTIVE COMPLETED", ending: { kind: "completed" } },
  ],
])("%j", (given, state) => {
  expect(fluxStateOf(given)).toEqual(state);
});

const failed = (status: number, reason: string): Ending => ({ kind: "failed", status, reason });

test.each<[FluxJob, Ending]>([
  [job("INACTIVE|FAILED|7"), failed(7, "FAILED with status 7")],
  [job("INACTIVE|FAILED|143"), failed(143, "FAILED with status 143")],
  [job("INACTIVE|FAILED|-9"), failed(137, "FAILED by signal 9")],
  // Never seen; a contradiction is not well.
  [job("INACTIVE|COMPLETED|3"), failed(3, "COMPLETED with status 3")],
])("the program's own end %j", (given, ending) => {
  expect(fluxStateOf(given)).toMatchObject({ phase: "ended", ending });
});

test.each<[FluxJob, "user" | "system", string]>([
  [
    job("INACTIVE|TIMEOUT|142|16|timeout", "resource allocation expired"),
    "user",
    "reached its time limit (resource allocation expired); ask for more with -t",
  ],
  [job("INACTIVE|CANCELED|143|16|cancel"), "user", "was cancelled, and not by this CI job"],
  [job("INACTIVE|CANCELED|-128|16|cancel", "why"), "user", "not by this CI job (why)"],
  [job("INACTIVE|CANCELED|0|16|cancel"), "user", "was cancelled"],
  [
    job("INACTIVE|FAILED|1|16|alloc", "unsatisfiable request: need 9999 slot(s)"),
    "user",
    "can never run: unsatisfiable request: need 9999 slot(s); lower -N",
  ],
  [job("INACTIVE|FAILED|1|16|dependency", "no such job"), "user", "--dependency"],
  [
    job("INACTIVE|FAILED|1|16|exec", "shell_init: No such file or directory"),
    "system",
    "could not be run (status 1): shell_init: No such file or directory",
  ],
  [job("INACTIVE|FAILED|137|16|node-failure"), "system", "an exception of type node-failure"],
  [job("INACTIVE|FAILED|-128"), "system", "without having been started"],
  [job("INACTIVE|FAILED|"), "system", "without having been started"],
  [job("INACTIVE||"), "system", "the result (none)"],
  [job("INACTIVE|ODD|0"), "system", "the result ODD"],
])("cut short %j", (given, fault, says) => {
  const state = fluxStateOf(given);
  const ending = state.phase === "ended" ? state.ending : undefined;
  expect(ending).toMatchObject({ kind: "cut", fault });
  expect(ending?.kind === "cut" ? ending.message : "").toContain(says);
});

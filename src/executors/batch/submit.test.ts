import { expect, test } from "bun:test";
import { DOWN, scriptedSlurm } from "../../../test/fixtures/scheduler-answers.ts";
import type { Answer } from "./scheduler.ts";
import { slurm } from "./slurm.ts";
import { submitJob } from "./submit.ts";

const JOB = { name: "ci1", words: [], directory: "/b", output: "/o", wrapper: "/w", version: "" };
const ACCEPTED: Answer = { status: 0, stdout: "12\n", stderr: "" };
const REFUSED: Answer = { status: 1, stdout: "", stderr: "sbatch: error: invalid account\n" };
const LOST: Answer = { status: 1, stdout: "", stderr: "sbatch: error: Socket timed out\n" };
const NONE: Answer = { status: 0, stdout: "", stderr: "" };

/** Submits, and gives what was noted and called in the order in which it happened. */
async function submitted(
  answer: (program: string, before: number) => Answer,
  signal = new AbortController().signal,
) {
  const events: string[] = [];
  const tools = scriptedSlurm((program, before) => {
    events.push(program);
    return answer(program, before);
  });
  const noteMayExist = (mayExist: boolean) => void events.push(mayExist ? "may exist" : "none");
  const work = submitJob(JOB, { ...tools, scheduler: slurm, signal, noteMayExist });
  return { result: await work.catch(String), events, said: tools.said };
}

test("what may exist is noted before the scheduler is asked for it", async () => {
  const { result, events } = await submitted(() => ACCEPTED);
  expect(result).toEqual({ ok: true, id: "12" });
  expect(events).toEqual(["may exist", "sbatch"]);
});

test("a job that was refused cannot exist", async () => {
  const { result, events } = await submitted(() => REFUSED);
  expect(result).toMatchObject({ ok: false, refusal: { fault: "user" } });
  expect(events).toEqual(["may exist", "sbatch", "none"]);
});

test("while the controller is down nothing exists between the tries, and that is said once", async () => {
  const { result, events, said } = await submitted((_program, before) =>
    before < 2 ? DOWN : ACCEPTED,
  );
  expect(result).toEqual({ ok: true, id: "12" });
  const tried = ["may exist", "sbatch", "none"];
  expect(events).toEqual([...tried, ...tried, "may exist", "sbatch"]);
  expect(said).toHaveLength(1);
});

test("after a lost answer the job may exist until it is looked up", async () => {
  const { result, events } = await submitted((program) => (program === "sbatch" ? LOST : DOWN));
  expect(result).toMatchObject({ ok: false, refusal: { fault: "system" } });
  expect(events).not.toContain("none");
  const none = await submitted((program, before) => {
    if (program !== "sbatch") return NONE;
    return before === 0 ? LOST : ACCEPTED;
  });
  expect(none.result).toEqual({ ok: true, id: "12" });
  expect(none.events).toEqual([
    "may exist",
    "sbatch",
    "squeue",
    "squeue",
    "none",
    "may exist",
    "sbatch",
  ]);
});

test("cancelled before the first try, nothing is noted and nobody is asked", async () => {
  const { result, events } = await submitted(() => ACCEPTED, AbortSignal.abort());
  expect(result).toContain("AbortError");
  expect(events).toEqual([]);
});

test("cancelled while it waits to try again, it stops at once", async () => {
  const controller = new AbortController();
  const events: string[] = [];
  const tools = scriptedSlurm(() => DOWN);
  const work = submitJob(JOB, {
    ...tools,
    scheduler: slurm,
    signal: controller.signal,
    noteMayExist: (mayExist) => void events.push(mayExist ? "may exist" : "none"),
    sleep: () => {
      controller.abort();
      return new Promise(() => {});
    },
  });
  expect(await work.catch(String)).toContain("AbortError");
  expect(events).toEqual(["may exist", "none"]);
});

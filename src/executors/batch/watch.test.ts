import { expect, test } from "bun:test";
import { DOWN, job, scriptedSlurm } from "../../../test/fixtures/scheduler-answers.ts";
import type { Marker } from "./judge.ts";
import type { Answer } from "./scheduler.ts";
import { slurm } from "./slurm.ts";
import { watchJob } from "./watch.ts";

const TIMES = { marker: 0.2, queryFrom: 1, queryTo: 15, late: 60, impossible: 120 };
const ZERO: Marker = { word: "exited", status: 0, nonce: "n" };

/** Watches a job whose result appears after so many looks. */
async function watched(answer: (before: number) => Answer, looks: number, marker: Marker = ZERO) {
  const tools = scriptedSlurm((_program, before) => answer(before));
  let looked = 0;
  const result = await watchJob({
    ...tools,
    scheduler: slurm,
    id: "12",
    nonce: "n",
    times: TIMES,
    signal: new AbortController().signal,
    readMarker: () => (++looked > looks ? marker : undefined),
    countStarts: () => 1,
  });
  return { ...result, said: tools.said, calls: tools.calls.length, seconds: tools.now() / 1000 };
}

test("the scheduler's word is waited for after the script's end, as long as an epilog takes", async () => {
  const seen = await watched((before) => job(before < 12 ? "COMPLETING" : "COMPLETED"), 0);
  expect(seen).toMatchObject({ outcome: { kind: "exited", status: 0 }, over: true, said: [] });
  const cut = await watched((before) => job(before < 12 ? "COMPLETING" : "TIMEOUT"), 0);
  expect(cut.outcome).toMatchObject({ kind: "refused", refusal: { fault: "user" } });
});

test("when it does not come, the script's own result counts, which is said, and nothing is cancelled", async () => {
  const long = await watched(() => job("COMPLETING"), 0);
  expect(long).toMatchObject({ outcome: { kind: "exited", status: 0 }, over: true });
  expect(long.said).toEqual([
    "Slurm job 12: Slurm still says COMPLETING 30 s after the script's end; the script's own result counts",
  ]);
  expect(long.seconds).toBeLessThan(33);
  expect(long.calls).toBeLessThan(30);
  const down = await watched(() => DOWN, 0, { ...ZERO, status: 3 });
  expect(down).toMatchObject({ outcome: { kind: "exited", status: 3 }, over: true });
  expect(down.said).toEqual([
    expect.stringContaining("Slurm does not answer (slurm_load_jobs error: Unable to contact"),
    "Slurm job 12: Slurm does not answer 30 s after the script's end; the script's own result counts",
  ]);
});

test("a job that waits again after its script's end would run again: it must be cancelled", async () => {
  const seen = await watched(() => job("PENDING"), 0);
  expect(seen.over).toBe(false);
});

test("while a job runs the scheduler is asked less and less often, and a pause of its is said once", async () => {
  const seen = await watched(
    (before) => (before === 3 || before === 4 ? DOWN : job(before < 20 ? "RUNNING" : "COMPLETED")),
    5 * 120,
  );
  expect(seen.seconds).toBeGreaterThan(119);
  expect(seen.calls).toBeLessThan(30);
  expect(seen.said.filter((line) => line.includes("does not answer"))).toHaveLength(1);
  expect(seen.said.filter((line) => line.includes("answers again"))).toHaveLength(1);
});

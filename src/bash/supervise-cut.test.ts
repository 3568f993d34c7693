import { afterAll, beforeAll, expect, test } from "bun:test";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { Stages } from "../../test/fixtures/stage.ts";

const JOBS = 160;
const AT_ONCE = 6;

let fresh: FreshDirectory;
let stages: Stages;
beforeAll(() => {
  fresh = freshDirectory("cut");
  stages = new Stages(fresh.path);
  stages.addImages();
});
afterAll(() => fresh.remove());

/** None of them ends by itself; the last two end with 0 as soon as their root file system has vanished. */
const SCRIPTS = [
  "echo ready\nsleep 1000\n",
  "trap 'exit 0' TERM\necho ready\nwhile :; do sleep 0.01; done\n",
  "trap '' TERM\nsetsid sleep 1000 &\necho ready\nwhile :; do sleep 1000 || read -t 1000 < <(sleep 1000); done\n",
  "(setsid sh -c 'sleep 1000; :' &)\necho ready\nwhile busybox true; do :; done 2> /dev/null\nexit 0\n",
  "echo ready\nuntil ! busybox true; do :; done 2> /dev/null\nexit 0\n",
] as const;

const CUTS = [
  ["SIGTERM", "supervisor"],
  ["SIGTERM", "group"],
  ["SIGTERM", "command"],
  ["SIGKILL", "command"],
] as const;

/** In another order each time than in the list of the jobs, and the same in each run. */
function pick<T>(list: readonly T[], job: number, stride: number): T {
  const picked = list[Math.floor(job / stride) % list.length];
  if (picked === undefined) throw new Error("the list is empty");
  return picked;
}

async function cutJob(job: number): Promise<string> {
  const [signal, to] = pick(CUTS, job, 1);
  const script = pick(SCRIPTS, job, CUTS.length);
  const stage = stages.start({ place: "squashfs", script, killTimeout: 300 });
  await stage.until("ready");
  await Bun.sleep((job * 17) % 60);
  stage.send(signal, to);
  const { code, signal: endedBy, left } = await stage.result;
  return code === 2 && endedBy === null && left.length === 0
    ? "failed"
    : `job ${job}, ${signal} to ${to}: ${JSON.stringify({ code, endedBy, left, script })}`;
}

/** Cuts jobs, several at a time; returns what became of them, each kind of end once. */
async function cutJobs(count: number): Promise<Set<string>> {
  const ends = new Set<string>();
  let next = 0;
  const worker = async () => {
    while (next < count) ends.add(await cutJob(next++));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return ends;
}

test(`of ${JOBS} jobs in a SquashFS image that are cut short none is green and nothing stays`, async () => {
  expect(await cutJobs(JOBS)).toEqual(new Set(["failed"]));
});

test("an entry program that outlives its image does not believe a script that ended well without one", async () => {
  const script = "echo ready\nwhile busybox true; do :; done 2> /dev/null\nexit 0\n";
  // A shell from outside, which does not vanish with the image.
  const outside = { interpreter: "/mnt/sh", files: { sh: "/bin/busybox" } };
  const end = async () => {
    const stage = stages.start({ place: "squashfs", script, ...outside });
    await stage.until("ready");
    stage.send("SIGTERM", "command");
    return (await stage.result).code;
  };
  for (let round = 0; round < 8; round++) {
    expect(await Promise.all([end(), end(), end()])).toEqual([2, 2, 2]);
  }
});

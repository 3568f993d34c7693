import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobState } from "../../src/executors/batch/scheduler.ts";
import { slurm } from "../../src/executors/batch/slurm.ts";
import { type FreshDirectory, freshDirectory } from "../fixtures/directory.ts";
import { type SlurmCluster, startSlurm } from "../fixtures/slurm.ts";
import { type OrdinaryUser, ordinaryUser } from "../fixtures/users.ts";
import { type Job, makeRequests, textOf } from "./requests.ts";

// What Slurm itself says, through the Scheduler interface: no mock, an ordinary user's jobs.

let directory: FreshDirectory;
let shared: string;
let cluster: SlurmCluster;
let user: OrdinaryUser;
let as: ReturnType<typeof makeRequests>;
/** Reaches its limit of one minute, the shortest that Slurm has, while the other tests run. */
let overTime: Job;

beforeAll(async () => {
  directory = freshDirectory("slurm");
  user = ordinaryUser(directory.path);
  shared = join(directory.path, "shared");
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  cluster = await startSlurm({ dir: join(directory.path, "cluster"), nodes: 4, cpus: 2 });
  as = makeRequests({ cluster, user, shared });
  overTime = as.accepted({ words: ["-t", "1"], script: "trap '' TERM\nsleep 90 & wait; wait" });
});

afterAll(async () => {
  await cluster?.stop();
  user?.remove();
  directory?.remove();
});

const hasEnded = (state: JobState) => state.phase === "ended";
const hasReason = (state: JobState) => state.phase === "pending" && state.reason !== "";

const SLEEP = "echo up; exec sleep 60";

describe("submission", () => {
  test("is accepted with an id, runs as the user in the directory, and completes", async () => {
    const job = as.accepted({ script: "echo $(id -un) $PWD" });
    expect(job.id).toMatch(/^\d+$/);
    expect(await as.reach(job, hasEnded)).toEqual({
      phase: "ended",
      word: "COMPLETED",
      ending: { kind: "completed" },
    });
    expect(textOf(job.output)).toBe(`${user.name} ${shared}\n`);
  });

  test.each([
    [["-p", "nosuch"], "Invalid partition name specified"],
    [["--time=abc"], "Invalid --time specification"],
    [["-C", "nosuch"], "Invalid feature specification"],
    [["--gres=gpu:1"], "Invalid generic resource (gres) specification"],
    [["-w", "nosuch"], "Invalid node name specified"],
    [["-c", "8"], "Requested node configuration is not available"],
  ])("with %j is refused in Slurm's words", (words, message) => {
    const submitted = as.submit({ words });
    expect(submitted).toMatchObject({ kind: "refused" });
    expect(submitted.kind === "refused" && submitted.message).toContain(message);
  });

  test("takes no option from the environment, and no secret into the job", async () => {
    const moved = join(shared, "moved");
    const hook = { SBATCH_OUTPUT: moved, SBATCH_WAIT: "1", SLURM_JWT: "s3cret", SECRET: "s3cret" };
    const job = as.accepted({ hook, script: "env" });
    expect(await as.reach(job, hasEnded)).toMatchObject({ word: "COMPLETED" });
    expect(existsSync(moved)).toBe(false);
    expect(textOf(job.output)).toContain("SLURM_JOB_ID=");
    expect(textOf(job.output)).not.toContain("s3cret");
  });

  test("the filter is needed: SBATCH_OUTPUT as such moves the output", async () => {
    const moved = join(shared, "moved-by-variable");
    const script = join(shared, "plain.sh");
    writeFileSync(script, "#!/bin/bash\necho here\n");
    const argv = ["sbatch", "--parsable", script];
    const { stdout } = cluster.run(argv, { user, env: { SBATCH_OUTPUT: moved } });
    expect(await as.reach({ id: stdout.trim() }, hasEnded)).toMatchObject({ word: "COMPLETED" });
    expect(textOf(moved)).toBe("here\n");
  });

  test("writes the output to a path that looks like a pattern", async () => {
    const output = join(shared, "100%j %%x of %N");
    const job = as.accepted({ output, script: "echo here" });
    expect(await as.reach(job, hasEnded)).toMatchObject({ word: "COMPLETED" });
    expect(textOf(output)).toBe("here\n");
  });
});

describe("a request that can never run", () => {
  test.each([
    [["-N", "9"], /^Partition(NodeLimit|Config)$/, /--nodes/],
    [["-n", "100"], /^Partition(NodeLimit|Config)$/, /--ntasks|--nodes/],
    [["-t", "2:00:00"], /^PartitionTimeLimit$/, /--time/],
  ])("%j is accepted and waits, with the reason", async (words, reason, hint) => {
    const job = as.accepted({ words });
    // Until the scheduler has looked, Slurm says PartitionConfig of all of them.
    const state = await as.reach(job, (one) => one.phase === "pending" && reason.test(one.reason));
    expect(state).toMatchObject({
      phase: "pending",
      word: "PENDING",
      reason: expect.stringMatching(reason),
      impossible: expect.stringMatching(hint),
    });
    expect(as.cancel(job)).toBe("accepted");
    expect(await as.reach(job, hasEnded)).toMatchObject({ word: "CANCELLED" });
  });

  test("a dependency on a failed job's success", async () => {
    const first = as.accepted({ script: "exit 3" });
    expect(await as.reach(first, hasEnded)).toMatchObject({ ending: { status: 3 } });
    const job = as.accepted({ words: [`--dependency=afterok:${first.id}`] });
    const state = await as.reach(job, (one) => one.phase === "pending" && !!one.impossible);
    expect(state).toMatchObject({ reason: "DependencyNeverSatisfied" });
    as.cancel(job);
  });
});

test("a job that may run later waits, and cancelled it has not completed", async () => {
  const job = as.accepted({ words: ["--begin=now+1hour"] });
  const state = await as.reach(job, hasReason);
  expect(state).toMatchObject({ phase: "pending", word: "PENDING", reason: "BeginTime" });
  expect(state).not.toHaveProperty("impossible");
  expect(state).not.toHaveProperty("held");
  expect(state.phase === "pending" && state.startsAt).toMatch(/^\d{4}-\d\d-\d\dT/);
  expect(as.cancel(job)).toBe("accepted");
  expect(await as.reach(job, hasEnded)).toMatchObject({
    word: "CANCELLED",
    ending: { kind: "cut", fault: "user" },
  });
});

test("a held job is held, by its user or by requeuehold", async () => {
  const job = as.accepted({ words: ["--hold"] });
  expect(await as.reach(job, hasReason)).toMatchObject({ reason: "JobHeldUser", held: "user" });
  as.cancel(job);

  const again = await as.running({ script: SLEEP });
  cluster.run(["scontrol", "update", `jobid=${again.id}`, "requeue=1"]);
  cluster.run(["scontrol", "requeuehold", again.id]);
  const state = await as.reach(again, (one) => one.phase === "pending" && one.held !== undefined);
  expect(state).toMatchObject({ reason: "job requeued in held state", held: "user" });
  as.cancel(again);
});

describe("an end", () => {
  test.each([
    ["exit 7", { kind: "failed", status: 7, reason: "FAILED NonZeroExitCode 7:0" }],
    ["exit 255", { kind: "failed", status: 255, reason: "FAILED NonZeroExitCode 255:0" }],
    ["kill -KILL $$", { kind: "failed", status: 137, reason: "FAILED, ended by signal 9" }],
    ["kill -TERM $$", { kind: "failed", status: 143, reason: "FAILED, ended by signal 15" }],
  ] as const)("%s", async (script, ending) => {
    const job = as.accepted({ script });
    expect(await as.reach(job, hasEnded)).toEqual({ phase: "ended", word: "FAILED", ending });
  });

  test("an output that cannot be written is a failed start", async () => {
    const job = as.accepted({ output: "/nosuch/directory/file" });
    const state = await as.reach(job, hasEnded);
    expect(state).toMatchObject({ word: "FAILED", ending: { kind: "cut", fault: "system" } });
    expect(JSON.stringify(state)).toContain("JobLaunchFailure, ExitCode 0:53");
  });

  test("cancelled while running", async () => {
    const job = await as.running({ script: SLEEP });
    expect(as.cancel(job)).toBe("accepted");
    expect(await as.reach(job, hasEnded)).toEqual({
      phase: "ended",
      word: "CANCELLED",
      ending: {
        kind: "cut",
        fault: "user",
        message: `Slurm job ${job.id} was cancelled, and not by this CI job`,
      },
    });
    expect(as.cancel(job)).not.toBe("retry");
  });

  test("cancelled while running, by a script that takes no TERM", async () => {
    const job = await as.running({ script: "trap '' TERM\necho up\nsleep 60" });
    as.cancel(job);
    expect(await as.reach(job, hasEnded)).toMatchObject({ word: "CANCELLED" });
  });
});

test("a deadline that cannot be met ends a waiting job", async () => {
  const job = as.accepted({ words: ["--deadline=now+1", "-t", "10"] });
  const state = await as.reach(job, hasEnded);
  expect(state).toMatchObject({ word: "DEADLINE", ending: { kind: "cut", fault: "user" } });
});

test("a job cannot be requeued", async () => {
  const job = await as.running({ script: SLEEP });
  const { status, stderr } = cluster.run(["scontrol", "requeue", job.id]);
  expect({ status, stderr }).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("presently disabled"),
  });
  expect(as.stateOf(job)).toMatchObject({ phase: "running", restarts: 0 });
  as.cancel(job);
});

test("find() gives the ids of a name, of waiting, running and ended jobs, and of this user only", async () => {
  const waiting = as.accepted({ words: ["--begin=now+1hour"] });
  const ended = as.accepted();
  await as.reach(ended, hasEnded);
  for (const { name, id } of [waiting, ended])
    expect(slurm.readFound(as.ask(slurm.find(name)))).toEqual([id]);
  expect(slurm.readFound(as.ask(slurm.find("cinosuch")))).toEqual([]);
  expect(slurm.readFound(cluster.run(slurm.find(waiting.name).argv))).toEqual([]);
  as.cancel(waiting);
});

test("an id that Slurm does not know is forgotten, and cancelling it is harmless", () => {
  expect(as.stateOf({ id: "999999" })).toEqual({ phase: "forgotten" });
  expect(slurm.readCancel(as.ask(slurm.cancel("999999")))).not.toBe("retry");
});

describe("a node", () => {
  test("that is set down takes its jobs along", async () => {
    const job = await as.running({ words: ["-w", "n3"], script: SLEEP });
    cluster.run(["scontrol", "update", "nodename=n3", "state=down", "reason=test"]);
    const state = await as.reach(job, hasEnded);
    expect(state).toMatchObject({ word: "NODE_FAIL", ending: { kind: "cut", fault: "system" } });
    cluster.run(["scontrol", "update", "nodename=n3", "state=resume"]);
  });

  test("whose daemon dies takes its jobs along", async () => {
    const job = await as.running({ words: ["-w", "n4"], script: SLEEP });
    await cluster.killNode("n4");
    const state = await as.reach(job, hasEnded, 90);
    expect(state).toMatchObject({ word: "NODE_FAIL", ending: { kind: "cut", fault: "system" } });
  });
});

test("the time limit ends a job", async () => {
  expect(await as.reach(overTime, hasEnded, 110)).toEqual({
    phase: "ended",
    word: "TIMEOUT",
    ending: {
      kind: "cut",
      fault: "user",
      message: `Slurm job ${overTime.id} reached its time limit of 00:01:00; ask for more with --time`,
    },
  });
});

test("without a controller nothing is known, and a submission can be tried again", async () => {
  const job = await as.running({ script: SLEEP });
  await cluster.stopController();
  // Each takes up to 20 s; together they take no longer.
  const [state, found, cancelled, submitted] = await Promise.all([
    as.askLater(slurm.query(job.id)).then((answer) => slurm.readState(answer, job.id)),
    as.askLater(slurm.find(job.name)).then(slurm.readFound),
    as.askLater(slurm.cancel(job.id)).then(slurm.readCancel),
    as.askLater(slurm.submit(as.order({}))).then(slurm.readSubmission),
  ]);
  expect(submitted).toMatchObject({ kind: "unreachable" });
  expect(state).toMatchObject({
    phase: "unreachable",
    message: expect.stringContaining("Unable to contact slurm controller"),
  });
  expect(found).toBeUndefined();
  expect(cancelled).toBe("retry");
  await cluster.startController();
  expect(as.stateOf(job)).toMatchObject({ phase: "running" });
  as.cancel(job);
  expect(await as.reach(job, hasEnded)).toMatchObject({ word: "CANCELLED" });
});

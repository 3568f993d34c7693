import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { JobSpec } from "../../src/runner/job-spec.ts";
import type { JobControl } from "../../src/runner/types.ts";
import { Bench, hostRun, runOf, sequence } from "./bench.ts";

const bench = new Bench();
afterAll(() => bench.remove());

/** Says that it runs and then waits for ever. */
const hang = "echo hanging; while :; do sleep 0.01; done";
/** A run hook that hangs in one stage instead of running its script. */
const hangIn = (stage: string) => `if [ "$2" = ${stage} ]; then ${hang}; fi\n${hostRun}`;
const status = 'echo "status $CUSTOM_ENV_CI_JOB_STATUS"';
const job: JobSpec = {
  id: 7,
  name: "job",
  script: ["echo script"],
  afterScript: ['echo "after $CI_JOB_STATUS"'],
  artifacts: { paths: ["x"], when: "always" },
};
const afterCancel = [
  "build_script",
  "after_script",
  "upload_artifacts_on_failure",
  "cleanup_file_variables",
  "cleanup",
];

test("cancel during the script: that one hook ends, the later stages run", async () => {
  const runner = bench.runner({ run: hangIn("build_script"), cleanup: status });
  const result = await runner.run(job, { cancelDuring: "build_script" });
  expect(result).toMatchObject({ status: "canceled", failureReason: "job_canceled" });
  expect(sequence(result).slice(2)).toEqual(afterCancel);
  expect(runOf(result, "build_script").signal).toBe("SIGTERM");
  expect(result.log).toContain("after canceled\n");
  expect(runOf(result, "cleanup").stdout).toBe("status canceled\n");
  expect(result.log).toEndWith("ERROR: Job failed: canceled\n");
});

test("a hook that ends with 0 after a cancel does not make the job a success", async () => {
  const run = `if [ "$2" = build_script ]; then trap 'exit 0' TERM; ${hang}; fi\n${hostRun}`;
  const result = await bench.runner({ run }).run(job, { cancelDuring: "build_script" });
  expect(runOf(result, "build_script").code).toBe(0);
  expect(result.status).toBe("canceled");
});

test("before 16.9 a cancel was an abort", async () => {
  const runner = bench.runner(
    { run: hangIn("build_script"), cleanup: status },
    { version: "16.8" },
  );
  const result = await runner.run(job, { cancelDuring: "build_script" });
  expect(sequence(result).slice(2)).toEqual(["build_script", "cleanup"]);
});

test.each(["config", "prepare"])("cancel during %s: no other attempt", async (stage) => {
  const texts = { config: 'echo "" >&2', prepare: "exit 0", cleanup: status, [stage]: hang };
  const result = await bench.runner(texts).run(job, { cancelDuring: stage });
  expect(result).toMatchObject({ status: "canceled", attempts: 1 });
  expect(sequence(result)).toEqual(
    stage === "config" ? ["config", "cleanup"] : ["config", "prepare", "cleanup"],
  );
});

test("cancel during get_sources ends the job", async () => {
  const runner = bench.runner({ run: hangIn("get_sources"), cleanup: status });
  const result = await runner.run(job, { cancelDuring: "get_sources" });
  expect(result.status).toBe("canceled");
  expect(sequence(result)).toEqual(["prepare_script", "get_sources", "cleanup"]);
  expect(runOf(result, "cleanup").stdout).toBe("status running\n");
});

test("cancel during after_script has no effect", async () => {
  const result = await bench.runner({}).run(job, { cancelDuring: "after_script" });
  expect(result.status).toBe("success");
});

test.each(["build_script", "after_script"])(
  "abort during %s: only cleanup follows",
  async (stage) => {
    const runner = bench.runner({ run: hangIn(stage), cleanup: status });
    const result = await runner.run(job, { abortDuring: { stage, onText: "hanging" } });
    expect(result).toMatchObject({ status: "canceled", failureReason: "job_canceled" });
    expect(sequence(result).slice(-2)).toEqual([stage, "cleanup"]);
  },
);

test("an abort neither stops cleanup nor changes what has been decided", async () => {
  const result = await bench.runner({ cleanup: "echo 1; echo 2" }).run(job, {
    abortDuring: "cleanup",
  });
  expect(result.status).toBe("success");
  expect(runOf(result, "cleanup").stdout).toBe("1\n2\n");
});

test("job timeout: as an abort", async () => {
  const runner = bench.runner({ run: hangIn("build_script"), cleanup: status });
  const result = await runner.run(job, { timeoutAfter: 300 });
  expect(result).toMatchObject({ status: "failed", failureReason: "job_execution_timeout" });
  expect(sequence(result).at(-1)).toBe("cleanup");
  expect(sequence(result)).not.toContain("after_script");
});

test("script timeout: as a cancel", async () => {
  const runner = bench.runner({ run: hangIn("build_script") });
  const result = await runner.run(job, { scriptTimeoutAfter: 50 });
  expect(result).toMatchObject({ status: "failed", failureReason: "job_execution_timeout" });
  expect(result.log).toContain("after timedout\n");
});

test("cleanup starts beside a stage which does not end", async () => {
  const gate = join(bench.root, "gate");
  const run = `
    if [ "$2" = build_script ]; then
      trap '' TERM; echo deaf; until [ -e ${gate} ]; do sleep 0.01; done; exit 0
    fi
    ${hostRun}`;
  const runner = bench.runner({ run, cleanup: `touch ${gate}` }, { buildFinishWait: 20 });
  const result = await runner.run(job, { abortDuring: "build_script" });
  expect(result.status).toBe("canceled");
  // Only cleanup lets the stage end, so both have certainly run at the same time.
  expect(runOf(result, "build_script").code).toBe(0);
  expect(runOf(result, "cleanup").code).toBe(0);
});

test("death of the runner: the hook is left alone, nothing follows", async () => {
  const gate = join(bench.root, "death");
  const run = `
    if [ "$2" = build_script ]; then
      echo ready; until [ -e ${gate} ]; do sleep 0.01; done; touch ${gate}.end; exit 0
    fi
    ${hostRun}`;
  const runner = bench.runner({ run, cleanup: status });
  const result = await runner.run(job, {
    killRunnerDuring: { stage: "build_script", onText: "ready" },
  });
  expect(result).toMatchObject({ status: "failed", failureReason: "stuck_or_timeout_failure" });
  expect(sequence(result)).toEqual(["prepare_script", "get_sources", "build_script"]);
  const orphan = runOf(result, "build_script");
  expect(orphan.gaveUp).toBe(true);
  expect(existsSync(`/proc/${orphan.pid}`)).toBe(true);
  expect(existsSync(orphan.temporaryDirectory)).toBe(true);
  await Bun.write(gate, "");
  while (!existsSync(`${gate}.end`)) {
    await Bun.sleep(5);
  }
});

test("SIGTERM to the hook alone", async () => {
  const gate = join(bench.root, "alone");
  const run = `
    if [ "$2" = build_script ]; then
      trap 'touch ${gate}; wait; exit 3' TERM
      (trap 'echo child was told' TERM; echo child; until [ -e ${gate} ]; do sleep 0.01; done) &
      wait
    fi
    ${hostRun}`;
  const control: JobControl = { cancelDuring: "build_script", termOnlyPid: true };
  const result = await bench.runner({ run }).run(job, control);
  expect(runOf(result, "build_script")).toMatchObject({ code: 3, stdout: "child\n" });
});

test("the runner's own limits for its hooks", async () => {
  const hookTimeouts = { config: 50, prepare: 50, cleanup: 50 };
  const slow = await bench.runner({ prepare: hang, cleanup: hang }, { hookTimeouts }).run(job);
  expect(slow).toMatchObject({ failureReason: "runner_system_failure", attempts: 3 });
  expect(slow.log).toContain("WARNING: Cleanup script failed: unknown Custom executor");
  // What the hook says counts: a 0 after SIGTERM is success.
  const polite = `trap 'exit 0' TERM; ${hang}`;
  // Time enough to set the trap; should it not be, the attempt is repeated.
  const enough = { hookTimeouts: { prepare: 500 } };
  const fine = await bench.runner({ prepare: polite }, enough).run(job);
  expect(fine.status).toBe("success");
});

test("a deaf hook is killed, and given up when even that does not end it", async () => {
  const deaf = `if [ "$2" = build_script ]; then trap '' TERM; ${hang}; fi\n${hostRun}`;
  const timeouts = { gracefulKill: 20, forceKill: 20 };
  const killed = await bench.runner({ run: deaf }, { gracefulKill: 20 }).run(job, {
    cancelDuring: "build_script",
  });
  expect(runOf(killed, "build_script").signal).toBe("SIGKILL");
  const outside = `
    if [ "$2" = build_script ]; then setsid bash -c 'echo $$; exec sleep 1000'; fi
    ${hostRun}`;
  const left = await bench.runner({ run: outside }, timeouts).run(job, {
    cancelDuring: "build_script",
  });
  const stage = runOf(left, "build_script");
  expect(stage.gaveUp).toBe(true);
  expect(sequence(left)).toContain("after_script");
  process.kill(Number(stage.stdout), "SIGKILL");
});

test("callbacks surround each hook and may fail the test", async () => {
  const calls: string[] = [];
  await bench.runner({ prepare: "echo p" }).run(
    { id: 1, name: "j", script: [] },
    {
      beforeStage: (stage) => void calls.push(`before ${stage}`),
      afterHook: (run) => void calls.push(`after ${run.stage}`),
      onOutput: (text, stage) => void (stage === "prepare" && calls.push(text.trim())),
    },
  );
  expect(calls.slice(0, 4)).toEqual([
    "before prepare",
    "p",
    "after prepare",
    "before prepare_script",
  ]);
  const failing = bench.runner({}).run(job, {
    beforeStage: () => Promise.reject(new Error("from the test")),
  });
  await expect(failing).rejects.toThrow("from the test");
});

test("an interrupted job ends its wait for the next attempt", async () => {
  const runner = bench.runner({ prepare: "exit 2" }, { retryWait: 60_000 });
  const result = await runner.run(job, { timeoutAfter: 100 });
  expect(result).toMatchObject({ failureReason: "job_execution_timeout", attempts: 1 });
});

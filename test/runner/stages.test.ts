import { afterAll, expect, test } from "bun:test";
import type { JobSpec } from "../../src/runner/job-spec.ts";
import { Bench, failIn, runOf, sequence } from "./bench.ts";

const bench = new Bench();
afterAll(() => bench.remove());

const good = "exit 0";
const busy: JobSpec = {
  id: 7,
  name: "job",
  script: ["echo script"],
  afterScript: ["echo status $CI_JOB_STATUS"],
  release: ["echo 'release of $CI_JOB_ID'"],
  artifacts: { paths: ["out"], when: "always" },
  cache: { key: "k", paths: ["deps"], when: "always" },
};

test("all stages in order", async () => {
  const result = await bench.runner({ cleanup: "echo $CUSTOM_ENV_CI_JOB_STATUS" }).run({
    ...busy,
    script: ["mkdir -p out deps", "touch out/a deps/b"],
  });
  expect(sequence(result)).toEqual([
    "prepare_script",
    "get_sources",
    "restore_cache",
    "build_script",
    "step_release",
    "after_script",
    "archive_cache",
    "upload_artifacts_on_success",
    "cleanup_file_variables",
    "cleanup",
  ]);
  expect(result.status).toBe("success");
  expect(runOf(result, "step_release").stdout).toContain("release of 7\n");
  expect(runOf(result, "after_script").stdout).toContain("status success\n");
  expect(runOf(result, "cleanup").stdout).toBe("success\n");
});

test("stages after a failed script", async () => {
  const result = await bench.runner({ cleanup: "echo $CUSTOM_ENV_CI_JOB_STATUS" }).run({
    ...busy,
    script: ["exit 3", "echo not reached"],
  });
  expect(result).toMatchObject({ status: "failed", exitCode: 3 });
  const rest = sequence(result).slice(sequence(result).indexOf("build_script"));
  expect(rest).toEqual([
    "build_script",
    "after_script",
    "archive_cache_on_failure",
    "upload_artifacts_on_failure",
    "cleanup_file_variables",
    "cleanup",
  ]);
  expect(runOf(result, "after_script").stdout).toContain("status failed\n");
  expect(runOf(result, "cleanup").stdout).toBe("failed\n");
});

test("stages after a failed get_sources, which is tried again", async () => {
  const attempts = { key: "GET_SOURCES_ATTEMPTS", value: "3" };
  const result = await bench
    .runner({ run: failIn("get_sources", "exit 2"), cleanup: "echo $CUSTOM_ENV_CI_JOB_STATUS" })
    .run({ ...busy, variables: [attempts] });
  expect(sequence(result)).toEqual([
    "prepare_script",
    "get_sources",
    "clear_worktree",
    "get_sources",
    "get_sources",
    "archive_cache_on_failure",
    "upload_artifacts_on_failure",
    "cleanup_file_variables",
    "cleanup",
  ]);
  expect(result.failureReason).toBe("runner_system_failure");
  expect(runOf(result, "cleanup").stdout).toBe("running\n");
});

test("a failed prepare_script ends everything", async () => {
  const run = failIn("prepare_script", "exit 1");
  const result = await bench.runner({ run, cleanup: good }).run(busy);
  expect(sequence(result)).toEqual(["prepare_script", "cleanup"]);
  expect(result.log).toContain("ERROR: Job failed: prepare environment: exit status 1\n");
});

test.each([
  ["after_script", "exit 1", undefined, "WARNING: after_script failed"],
  ["archive_cache", "exit 2", "runner_system_failure", "exit status 2"],
  ["upload_artifacts_on_success", "exit 1", "script_failure", "exit status 1"],
  ["cleanup_file_variables", "exit 1", undefined, "Job succeeded"],
] as const)("a failed %s does not stop later stages", async (stage, how, reason, line) => {
  const result = await bench.runner({ run: failIn(stage, how), cleanup: good }).run(busy);
  expect(result.failureReason).toBe(reason);
  expect(result.log).toContain(line);
  expect(sequence(result).slice(-3)).toEqual([
    "upload_artifacts_on_success",
    "cleanup_file_variables",
    "cleanup",
  ]);
});

test("after_script can be made to count", async () => {
  const strict = { key: "AFTER_SCRIPT_IGNORE_ERRORS", value: "false" };
  const run = failIn("after_script", "exit 1");
  const result = await bench.runner({ run }).run({ ...busy, variables: [strict] });
  expect(result.failureReason).toBe("script_failure");
  expect(sequence(result)).toContain("upload_artifacts_on_failure");
});

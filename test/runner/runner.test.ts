import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import type { JobSpec } from "../../src/runner/job-spec.ts";
import { Runner } from "../../src/runner/runner.ts";
import { Bench, failIn, runOf, sequence } from "./bench.ts";

const bench = new Bench();
afterAll(() => bench.remove());

const job: JobSpec = { id: 7, name: "job", script: ["echo from the script"] };
/** The stages of `job` when all goes well. */
const stages = ["prepare_script", "get_sources", "build_script", "cleanup_file_variables"];
const good = "exit 0";

test("a job that succeeds", async () => {
  const config = `echo to the log >&2
    echo '{"driver":{"name":"Made Up","version":"1.2"},"job_env":{"GIVEN":"yes"},"hostname":"node7"}'`;
  const runner = bench.runner({
    config,
    prepare: 'echo "prepare $GIVEN"',
    cleanup: 'echo "cleanup $GIVEN"; echo not shown >&2',
  });
  const result = await runner.run(job);
  expect(result).toMatchObject({ status: "success", attempts: 1 });
  expect(result).not.toHaveProperty("failureReason");
  expect(result).not.toHaveProperty("exitCode");
  expect(sequence(result)).toEqual(["config", "prepare", ...stages, "cleanup"]);
  expect(result.projectDir).toBe(join(bench.root, "builds/acme/widget"));
  const lines = [
    "Running with gitlab-runner 19.4.0",
    'Preparing the "custom" executor',
    "to the log",
    "Using Custom executor with driver Made Up 1.2...",
    "prepare yes",
    "Preparing environment",
    "via node7...",
    "Getting source from Git repository",
    'Executing "step_script" stage of the job script',
    "$ echo from the script",
    "from the script",
    "Cleaning up project directory and file based variables",
    "Job succeeded",
  ];
  const places = lines.map((line) => result.log.indexOf(line));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  expect(result.log).not.toContain("job_env");
  expect(result.log).not.toContain("cleanup yes");
  expect(result.log).not.toContain("not shown");
  expect(runOf(result, "cleanup")).toMatchObject({
    stdout: "cleanup yes\n",
    stderr: "not shown\n",
  });
});

test("files and modes of an attempt", async () => {
  const seen: Record<string, string> = {};
  const result = await bench.runner({ prepare: "pwd", cleanup: good }).run(job, {
    afterHook(run, { temporaryDirectory }) {
      const path = (name: string) => join(temporaryDirectory, name);
      const mode = (name: string) => (statSync(path(name)).mode & 0o777).toString(8);
      seen[run.stage] =
        `${mode(".")} ${mode("response.json")} ${existsSync(path("build_exit_code"))}`;
      const scripts = readdirSync(temporaryDirectory).filter((name) => name.startsWith("script"));
      seen["scripts"] = scripts.map((name) => `${mode(name)} ${mode(`${name}/script`)}`).join();
    },
  });
  const { stdout, temporaryDirectory } = runOf(result, "prepare");
  expect(stdout).toBe(`${temporaryDirectory}\n`);
  expect(temporaryDirectory).toMatch(/\/custom-executor\d+$/);
  expect(seen["prepare"]).toBe("700 600 false");
  expect(seen["scripts"]).toBe("700 700,700 700,700 700,700 700");
  const [, script, stage] = runOf(result, "build_script").argv;
  expect(script).toMatch(/\/custom-executor\d+\/script\d+\/script$/);
  expect(stage).toBe("build_script");
  expect(existsSync(temporaryDirectory)).toBe(false);
});

test("an old runner has neither file and a dot in the script's name", async () => {
  const probe = 'echo "${JOB_RESPONSE_FILE-none} ${BUILD_EXIT_CODE_FILE-none}"; ls -A';
  const result = await bench.runner({ prepare: probe }, { version: "14.0" }).run(job);
  expect(runOf(result, "prepare").stdout).toBe("none none\n");
  expect(runOf(result, "build_script").argv[1]).toEndWith("/script.");
  expect(sequence(result)).not.toContain("cleanup_file_variables");
});

test.each([
  ["exit 1", 1, "script_failure", "ERROR: Job failed: exit status 1"],
  ["exit 2", 3, "runner_system_failure", "ERROR: Job failed (system failure): exit status 2"],
  ["exit 7", 3, "runner_system_failure", "exit code 7; executable execution terminated"],
  ["kill -9 $$", 3, "runner_system_failure", "exit code -1; executable execution terminated with"],
] as const)("config and prepare with %s", async (how, attempts, reason, line) => {
  for (const [texts, hooks] of [
    [{ config: how, prepare: good }, ["config", "cleanup"]],
    [{ config: good, prepare: how }, ["config", "prepare", "cleanup"]],
  ] as const) {
    const result = await bench.runner({ ...texts, cleanup: good }).run(job);
    expect(result).toMatchObject({ status: "failed", failureReason: reason, attempts });
    expect(sequence(result)).toEqual(Array.from({ length: attempts }, () => hooks).flat());
    const directories = new Set(result.hooks.map((run) => run.temporaryDirectory));
    expect(directories.size).toBe(attempts);
    expect(result.log).toContain(line);
  }
});

test("an attempt that fails for the system is repeated until one succeeds", async () => {
  const config = `
    n=$(($(cat "${bench.root}/count" 2> /dev/null) + 1)); echo $n > "${bench.root}/count"
    echo "{\\"builds_dir\\":\\"${bench.root}/attempt$n\\"}"
    echo "config:\${CUSTOM_ENV_CI_PROJECT_DIR}:\${CUSTOM_ENV_RUNNER_TEMP_PROJECT_DIR}" >&2`;
  const prepare = `[ "$(cat "${bench.root}/count")" = 2 ] || exit 2`;
  const result = await bench.runner({ config, prepare, cleanup: good }).run(job);
  expect(result).toMatchObject({ status: "success", attempts: 2 });
  expect(result.buildsDir).toBe(join(bench.root, "attempt2"));
  // The second config still sees the directories of the first attempt.
  const [first, second] = result.hooks.filter((run) => run.hook === "config");
  expect(first?.stderr).toBe("config::.tmp\n");
  const stale = join(bench.root, "attempt1/acme/widget");
  expect(second?.stderr).toBe(`config:${stale}:${stale}.tmp\n`);
  expect(result.log).toContain("ERROR: Preparation failed: exit status 2\nWill be retried in");
});

test("a driver that cannot be started", async () => {
  const options = { driver: { run: ["/bin/true"], prepare: ["/no/such/driver"] } };
  const result = await bench.runner({}, options).run(job);
  expect(result).toMatchObject({ failureReason: "runner_system_failure", attempts: 3 });
  expect(result.log).toContain("(system failure): failed to start command: ");
});

test.each([
  ["echo garbage", 3, "runner_system_failure"],
  ["echo '{}{}'", 3, "runner_system_failure"],
  ['echo \'{"job_env":{"A":1}}\'', 3, "runner_system_failure"],
  ['echo \'{"shell":"zsh"}\'', 3, "runner_system_failure"],
  ['echo \'{"builds_dir":""}\'', 1, "runner_configuration_error"],
  ["echo null", 1, undefined],
  ['echo \'{"unknown":[1],"builds_dir":null}\'', 1, undefined],
] as const)("config printing with %s", async (config, attempts, failureReason) => {
  const result = await bench.runner({ config, cleanup: good }).run(job);
  expect(result.attempts).toBe(attempts);
  expect(result.failureReason).toBe(failureReason);
  expect(sequence(result).filter((stage) => stage === "cleanup")).toHaveLength(attempts);
});

test.each([
  ["exit 1", "script_failure", 1, "ERROR: Job failed: exit status 1"],
  ["echo 42 > $BUILD_EXIT_CODE_FILE; exit 1", "script_failure", 42, "failed: exit status 42"],
  ["printf '+7\\r\\nrest' > $BUILD_EXIT_CODE_FILE; exit 1", "script_failure", 7, "exit status 7"],
  ["echo 0 > $BUILD_EXIT_CODE_FILE; exit 1", "script_failure", undefined, "exit status 0"],
  [
    "echo '42 ' > $BUILD_EXIT_CODE_FILE; exit 1",
    "runner_system_failure",
    undefined,
    "exit code 2;",
  ],
  [": > $BUILD_EXIT_CODE_FILE; exit 1", "runner_system_failure", undefined, "exit code 2;"],
  ["echo 42 > $BUILD_EXIT_CODE_FILE; exit 2", "runner_system_failure", undefined, "exit status 2"],
  ["echo 42 > $BUILD_EXIT_CODE_FILE; exit 42", "runner_system_failure", undefined, "exit code 42;"],
  ["kill $$", "runner_system_failure", undefined, "signal: terminated"],
] as const)("build_script with %s", async (how, reason, exitCode, line) => {
  const result = await bench.runner({ run: failIn("build_script", how), cleanup: good }).run(job);
  expect(result).toMatchObject({ status: "failed", failureReason: reason, attempts: 1 });
  expect(result.exitCode).toBe(exitCode);
  expect(result.log).toContain(line);
  expect(sequence(result)).toEqual([...stages, "cleanup"]);
});

test("an exit-code file of an earlier hook counts as well", async () => {
  const prepare = "echo 99 > $BUILD_EXIT_CODE_FILE";
  const runner = bench.runner({ prepare, run: failIn("build_script", "exit 1") });
  expect((await runner.run(job)).exitCode).toBe(99);
  const old = bench.runner(
    { prepare: "echo 99 > build_exit_code", run: failIn("build_script", "exit 1") },
    { version: "17.8" },
  );
  expect((await old.run(job)).exitCode).toBe(1);
});

test("a failed cleanup is only a warning", async () => {
  const result = await bench.runner({ cleanup: "exit 1" }).run(job);
  expect(result.status).toBe("success");
  expect(result.log).toEndWith("WARNING: Cleanup script failed: exit status 1\nJob succeeded\n");
});

test("masked variables are hidden in the log and nowhere else", async () => {
  const secret = { key: "PASSWORD", value: "hunter22", masked: true };
  const result = await bench
    .runner({ prepare: 'echo "$CUSTOM_ENV_PASSWORD"' })
    .run({ ...job, variables: [secret], script: ["echo pw $PASSWORD"] });
  expect(result.log).toContain("pw [MASKED]\n");
  expect(result.log).not.toContain("hunter22");
  expect(runOf(result, "prepare").stdout).toBe("hunter22\n");
});

test("jobs at the same time do not disturb each other", async () => {
  const meeting = join(bench.root, "meeting");
  mkdirSync(meeting);
  // Each script waits for the other one, so both are certain to run at the same time.
  const script = [
    `touch ${meeting}/$CI_JOB_ID`,
    `until [ -e ${meeting}/1 ] && [ -e ${meeting}/2 ]; do sleep 0.01; done`,
    'echo "I am $CI_JOB_ID of $CI_CONCURRENT_ID $CI_CONCURRENT_PROJECT_ID"',
  ];
  const runner = bench.runner({ config: "echo '{\"builds_dir_is_shared\":true}'" });
  const results = await Promise.all(
    [1, 2].map((id) => runner.run({ ...job, id, name: `job ${id}`, script })),
  );
  expect(results.map(({ status }) => status)).toEqual(["success", "success"]);
  expect(results[0]?.log).toContain("I am 1 of 0 0\n");
  expect(results[1]?.log).toContain("I am 2 of 1 1\n");
  expect(results[0]?.log).not.toContain("I am 2");
  expect(results[1]?.projectDir).toEndWith("/1/acme/widget");
  expect((await runner.run(job)).projectDir).toEndWith("/0/acme/widget");
});

test.skipIf(process.getuid?.() !== 0)("hooks of another user own the attempt's files", async () => {
  const builds = join(bench.root, "nobody");
  mkdirSync(builds);
  chownSync(builds, 65534, 65534);
  chmodSync(bench.root, 0o755);
  const result = await bench
    .runner(
      { prepare: "head -c 1 $JOB_RESPONSE_FILE; id -u" },
      {
        uid: 65534,
        gid: 65534,
        buildsDir: builds,
      },
    )
    .run({ ...job, script: ["id -u > mine", "cat mine"] });
  expect(result.log).toContain("{65534\n");
  expect(result.status).toBe("success");
  expect(readFileSync(join(result.projectDir, "mine"), "utf8")).toBe("65534\n");
});

test("paths must be absolute", () => {
  const options = { tmpRoot: "/t", store: "/s" };
  expect(() => new Runner({ ...options, driver: { run: ["driver"] } })).toThrow("absolute");
  expect(() => new Runner({ ...options, store: "s", driver: { run: ["/d"] } })).toThrow("absolute");
});

import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobSpec } from "../../src/runner/job-spec.ts";
import type { ScriptFrame } from "../../src/runner/quoting.ts";
import { Bench, runOf } from "./bench.ts";

const bench = new Bench();
afterAll(() => bench.remove());

const job: JobSpec = { id: 7, name: "job", script: ["true"] };

/** Runs git in a directory and fails the test if git does. */
function git(directory: string, ...args: string[]): string {
  const identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
  const { status, stdout, stderr } = spawnSync("git", ["-C", directory, ...identity, ...args], {
    encoding: "utf8",
  });
  expect(`${status}${stderr}`).toStartWith("0");
  return stdout.trim();
}

/** A repository with one commit on `main`. */
function repository(name: string): string {
  const directory = join(bench.root, name);
  mkdirSync(directory);
  git(directory, "init", "--quiet", "--initial-branch", "main");
  writeFileSync(join(directory, "file"), "first\n");
  git(directory, "add", ".");
  git(directory, "commit", "--quiet", "--message", "first");
  return directory;
}

test.each(["pipe-eval", "pipe-subshell", "subshell"] as const)(
  "difficult variables reach the script in the frame %s",
  async (scriptFrame) => {
    const values = {
      LINES: "one\ntwo\n\n",
      QUOTES: `a'b"c\`d\\e$HOME $(false) ! ;&|<>`,
      UTF8: "Grüße, 世界 🚀",
      CONTROL: "\x01\x1b[0m\t\r\x7f",
      LARGE: "0123456789".repeat(10_240),
      EMPTY: "",
    };
    const variables = Object.entries(values).map(([key, value]) => ({ key, value, raw: true }));
    const file = { key: "AS_FILE", value: "text\nin a file", file: true };
    const script = [
      ...Object.keys(values).map((key) => `printf %s "$${key}" > ${key}`),
      'cp "$AS_FILE" AS_FILE',
      'echo "$AS_FILE"',
    ];
    const runner = bench.runner({ prepare: 'printf %s "$CUSTOM_ENV_AS_FILE"' }, { scriptFrame });
    const result = await runner.run({ ...job, variables: [...variables, file], script });
    expect(result.status).toBe("success");
    for (const [key, value] of [...Object.entries(values), ["AS_FILE", file.value] as const]) {
      expect(readFileSync(join(result.projectDir, key), "utf8")).toBe(value);
    }
    expect(runOf(result, "prepare").stdout).toBe(file.value);
    const path = `${result.projectDir}.tmp/AS_FILE`;
    expect(result.log).toContain(`\n${path}\n`);
    // Removed by cleanup_file_variables.
    expect(existsSync(path)).toBe(false);
  },
);

test.each([
  ["pipe-eval", 42, 1],
  ["pipe-subshell", 42, 42],
  ["subshell", 42, 42],
] as const)("exit codes of a job in the frame %s", async (frame: ScriptFrame, exit, failing) => {
  const runner = bench.runner({}, { scriptFrame: frame });
  expect((await runner.run({ ...job, script: ["exit 42"] })).exitCode).toBe(exit);
  expect((await runner.run({ ...job, script: ["(exit 42)"] })).exitCode).toBe(failing);
});

test("a variable beyond the system's limit fails before the driver starts", async () => {
  const variables = [{ key: "HUGE", value: "x".repeat(140_000) }];
  const result = await bench.runner({ prepare: "exit 0" }).run({ ...job, variables });
  expect(result).toMatchObject({ failureReason: "runner_system_failure", attempts: 3 });
  expect(result.log).toContain("failed to start command");
});

test("GITLAB_ENV carries variables from stage to stage, the shell does not", async () => {
  const result = await bench.runner({}).run({
    ...job,
    script: ['echo "KEPT=a b" >> "$GITLAB_ENV"', "export LOST=1"],
    afterScript: ['echo "kept <$KEPT> lost <$LOST>"'],
  });
  expect(result.log).toContain("kept <a b> lost <>\n");
});

test("commands are announced, long ones only by their first line", async () => {
  const result = await bench.runner({}).run({
    ...job,
    beforeScript: ["echo before"],
    script: ["for i in 1 2; do\n  echo $i\ndone", "pwd; cat"],
  });
  const { stdout } = runOf(result, "build_script");
  expect(stdout.replaceAll(/\x1b\[[0-9;]*m/g, "")).toBe(
    `$ echo before\nbefore\n$ for i in 1 2; do # collapsed multi-line command\n1\n2\n$ pwd; cat\n${result.projectDir}\n`,
  );
});

test("the name of the host is expanded by the shell", async () => {
  const config = `echo '{"hostname":"login$((1 + 1))"}'`;
  const result = await bench.runner({ config }).run(job);
  expect(runOf(result, "prepare_script").stdout).toContain(" via login2...\n");
});

test.each(["fetch", "clone"] as const)("get_sources with strategy %s", async (gitStrategy) => {
  const repoUrl = repository(`origin-${gitStrategy}`);
  const script = ["cat file", "git rev-parse HEAD", "ls -A > ../listing-$CI_JOB_ID", "touch extra"];
  const runner = bench.runner({}, { buildsDir: join(bench.root, `builds-${gitStrategy}`) });
  const spec = { ...job, repoUrl, gitStrategy, script };
  const first = await runner.run(spec);
  expect(first.status).toBe("success");
  expect(first.projectDir).toEndWith("/project-31");
  expect(first.log).toContain(`first\n`);
  expect(first.log).toContain(git(repoUrl, "rev-parse", "main"));
  expect(first.log).toContain("Created fresh repository.");

  writeFileSync(join(repoUrl, "file"), "second\n");
  git(repoUrl, "commit", "--quiet", "--all", "--message", "second");
  const second = await runner.run({ ...spec, id: 8 });
  expect(second.log).toContain("second\n");
  const listing = readFileSync(join(second.buildsDir, "listing-8"), "utf8");
  expect(listing).toBe(".git\nfile\n");
});

test("clear_worktree empties the repository between two tries", async () => {
  const repoUrl = repository("origin-retry");
  const broken = `
    if [ "$2" = get_sources ] && [ ! -e "${bench.root}/tried" ]; then
      touch "${bench.root}/tried"
      exit 2
    fi
    bash < "$1" || exit 1`;
  const spec = { ...job, repoUrl, script: ["cat file"] };
  const options = { buildsDir: join(bench.root, "builds-retry") };
  await bench.runner({}, options).run(spec);
  const result = await bench.runner({ run: broken }, options).run(
    {
      ...spec,
      variables: [{ key: "GET_SOURCES_ATTEMPTS", value: "2" }],
    },
    {
      afterHook(run, { projectDir }) {
        if (run.stage === "clear_worktree") {
          expect(existsSync(join(projectDir, "file"))).toBe(false);
          expect(existsSync(join(projectDir, ".git"))).toBe(true);
        }
      },
    },
  );
  expect(runOf(result, "clear_worktree").code).toBe(0);
  expect(result.status).toBe("success");
});

test("a fetch from nowhere fails the job without its script", async () => {
  const repoUrl = join(bench.root, "no-such-repository");
  const result = await bench.runner({}).run({ ...job, repoUrl });
  expect(result).toMatchObject({ status: "failed", failureReason: "script_failure" });
  expect(result.log).not.toContain("step_script");
});

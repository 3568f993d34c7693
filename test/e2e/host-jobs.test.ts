import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { makeSite, type Site } from "./site.ts";

let site: Site;
beforeAll(() => {
  site = makeSite();
});
afterAll(() => site.close());

const hello = { id: 100, name: "hello", script: ["echo hello"] };

describe("a host job", () => {
  test("runs through the four hooks and leaves nothing but builds and cache", async () => {
    const result = await site.runner().run({ ...hello, afterScript: ["echo after"] });
    expect(result.status).toBe("success");
    expect(result.log).toContain("Using Custom executor with driver Jacamar CI 0.1.0...");
    expect(result.log).toContain("Targeting shell executor");
    expect(result.log).toMatch(/Running as \S+ UID: \d+ GID: \d+ on \S+/);
    expect(result.log).toMatch(/Local time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
    expect(result.log).toContain("hello");
    expect(result.log).toContain("after");
    expect(result.buildsDir).toBe(`${site.dataDir}/builds/widget_31/000`);
    expect(readdirSync(`${site.dataDir}/scripts/widget_31`)).toEqual([]);
    expect(readdirSync(`${site.dataDir}/claims/widget_31`)).toEqual([]);
    for (const name of ["", "/builds", "/cache", "/scripts"]) {
      expect(statSync(`${site.dataDir}${name}`).mode & 0o777).toBe(0o700);
    }
  });

  test("runs in a clean login shell: nothing of the runner's environment, the profile applies", async () => {
    writeFileSync(
      `${site.home}/.bash_profile`,
      "export FROM_PROFILE=yes\nsay() { echo function-$1; }\n",
    );
    const script = ["env", "shopt -q login_shell && echo is-login", "say works"];
    const result = await site.runner().run({ ...hello, script });
    expect(result.status).toBe("success");
    expect(result.log).not.toContain("runner-secret");
    expect(result.log).not.toMatch(
      /^(TMPDIR|CUSTOM_ENV_\w+|JOB_RESPONSE_FILE|BUILD_FAILURE_EXIT_CODE)=/m,
    );
    expect(result.log).toContain("FROM_PROFILE=yes");
    expect(result.log).toContain(`HOME=${site.home}`);
    expect(result.log).toContain("JACAMAR_CI_SHELL=true");
    expect(result.log).toContain("is-login");
    expect(result.log).toContain("function-works");
  });

  test("reports the script's own exit status, whatever it is", async () => {
    for (const status of [1, 2, 42, 125, 126, 137, 255]) {
      const result = await site.runner().run({ ...hello, script: [`exit ${status}`] });
      expect([result.status, result.failureReason, result.exitCode]).toEqual([
        "failed",
        "script_failure",
        status,
      ]);
      expect(result.attempts).toBe(1);
    }
  });

  test("runs after_script after a failure, and a runner without BUILD_EXIT_CODE_FILE gets 1", async () => {
    const job = { ...hello, script: ["exit 42"], afterScript: ["echo status=$CI_JOB_STATUS"] };
    const result = await site.runner({ version: "17.8" }).run(job);
    expect([result.failureReason, result.exitCode]).toEqual(["script_failure", 1]);
    expect(result.log).toContain("status=failed");
  });

  test("works with a runner that writes no JOB_RESPONSE_FILE (14.0)", async () => {
    const result = await site.runner({ version: "14.0" }).run(hello);
    expect(result.status).toBe("success");
    expect(result.buildsDir).toBe(`${site.dataDir}/builds/widget_31/000`);
  });

  test("works with each frame of generated scripts", async () => {
    for (const scriptFrame of ["pipe-eval", "pipe-subshell", "subshell"] as const) {
      const result = await site
        .runner({ scriptFrame })
        .run({ ...hello, script: ["echo one", "exit 7"] });
      expect([scriptFrame, result.exitCode]).toEqual([scriptFrame, 7]);
    }
  });

  test("a profile that ends the shell is a system failure that says so, never green", async () => {
    writeFileSync(`${site.home}/.bash_profile`, "exit 0\n");
    const result = await site.runner().run(hello);
    writeFileSync(`${site.home}/.bash_profile`, "");
    expect([result.status, result.failureReason]).toEqual(["failed", "runner_system_failure"]);
    expect(result.log).toContain("before it ran a command");
    expect(result.log).toContain("profile");
    expect(result.attempts).toBe(3);
  });

  test("a profile's set -e, a logout file and a script that kills its shell do not turn a result green", async () => {
    writeFileSync(`${site.home}/.bash_profile`, "set -e\n");
    writeFileSync(`${site.home}/.bash_logout`, "exit 0\n");
    const failing = await site.runner().run({ ...hello, script: ["exit 5"] });
    expect([failing.failureReason, failing.exitCode]).toEqual(["script_failure", 5]);
    const killed = await site.runner().run({ ...hello, script: ["kill -KILL $$", "sleep 5"] });
    expect(killed.failureReason).toBe("runner_system_failure");
    expect(killed.log).toContain("before the script's own exit status was seen");
    writeFileSync(`${site.home}/.bash_profile`, "");
    writeFileSync(`${site.home}/.bash_logout`, "");
  });

  test("ends background processes that a script leaves, so that the stage does not hang", async () => {
    const script = ["setsid sleep 1000 &", "(sleep 1001 &)", "echo done"];
    const result = await site.runner().run({ ...hello, script });
    expect(result.status).toBe("success");
    expect(result.log).toContain("ending 2 background process(es)");
  });

  test("variables with newlines, quotes and 100 kB arrive", async () => {
    const big = "x".repeat(100_000);
    const variables = [
      { key: "ODD", value: "a'b\"c\nd\\e $(touch /tmp/never) `id`", raw: true },
      { key: "BIG", value: big },
      { key: "FILE", value: "content\n", file: true },
    ];
    const script = ['printf "[%s]" "$ODD"', 'echo "big=${#BIG}"', 'cat "$FILE"'];
    const result = await site.runner().run({ ...hello, variables, script });
    expect(result.status).toBe("success");
    expect(result.log).toContain("[a'b\"c\nd\\e $(touch /tmp/never) `id`]");
    expect(result.log).toContain("big=100000");
    expect(existsSync("/tmp/never")).toBe(false);
  });

  test("hands artifacts from job to job through gitlab-runner of the hook's PATH", async () => {
    const runner = site.runner();
    const first = await runner.run({
      id: 201,
      name: "make",
      script: ["date > date.txt"],
      artifacts: { paths: ["date.txt"] },
    });
    expect(first.status).toBe("success");
    const second = await runner.run({
      id: 202,
      name: "use",
      script: ["cat date.txt"],
      dependencies: [201],
    });
    expect(second.status).toBe("success");
    expect(readFileSync(`${site.dir}/store/calls.log`, "utf8")).toContain("artifacts-uploader");
  });

  test("refuses to lose artifacts when there is no gitlab-runner", async () => {
    const bare = makeSite({ gitlabRunner: false });
    const result = await bare.runner().run({ ...hello, artifacts: { paths: ["x"] } });
    expect(result.failureReason).toBe("runner_system_failure");
    expect(result.log).toContain("the job's artifacts would be lost: gitlab-runner was not found");
    expect(result.log).toContain("[[runners]] environment");
    const without = await bare.runner().run(hello);
    expect(without.status).toBe("success");
    expect(without.log).toContain("gitlab-runner was not found");
    bare.close();
  });

  test("keeps the scripts with retain_logs", async () => {
    const retaining = makeSite({ general: ["retain_logs = true"] });
    await retaining.runner().run({ ...hello, id: 301 });
    const scripts = `${retaining.dataDir}/scripts/widget_31`;
    expect(existsSync(`${scripts}/000/build_script.bash`)).toBe(true);
    await retaining.runner().run({ ...hello, id: 302 });
    expect(readdirSync(scripts).sort()).toEqual(["000", "job-301"]);
    expect(readFileSync(`${scripts}/000/job-id`, "utf8")).toBe("302\n");
    retaining.close();
  });

  test("uses CUSTOM_CI_BUILDS_DIR only with custom_build_dir", async () => {
    const custom = makeSite({ general: ["custom_build_dir = true"] });
    mkdirSync(`${custom.dir}/scratch`);
    const variables = [{ key: "CUSTOM_CI_BUILDS_DIR", value: `${custom.dir}/scratch` }];
    const used = await custom.runner().run({ ...hello, variables });
    expect([used.status, used.buildsDir]).toEqual([
      "success",
      `${custom.dir}/scratch/widget_31/000`,
    ]);
    custom.configure({});
    const ignored = await custom.runner().run({ ...hello, variables });
    expect(ignored.buildsDir).toBe(`${custom.dataDir}/builds/widget_31/000`);
    expect(ignored.log).toContain("custom_build_dir");
    custom.close();
  });
});

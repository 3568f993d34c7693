import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { makeTrySite, type TrySite } from "./try-site.ts";

let site: TrySite;
beforeAll(() => {
  site = makeTrySite();
});
afterAll(() => site.close());
afterEach(() => {
  rmSync(site.work, { recursive: true });
  mkdirSync(site.work);
});

function write(text: string, name = ".gitlab-ci.yml") {
  writeFileSync(`${site.work}/${name}`, text);
}

describe("a command", () => {
  test.each([0, 1, 2, 7, 255])("ends with the script's status %d", async (status) => {
    const tried = await site.run(["--", `echo hello; exit ${status}`]);
    expect(tried.status).toBe(status);
    expect(tried.stdout).toMatch(/^hello$/m);
    expect(tried.stdout).toContain(status === 0 ? "Job succeeded" : `exit status ${status}`);
    expect(tried.stdout).not.toContain("\x1b");
    for (const stage of ["config", "prepare", "build_script", "cleanup", "total"])
      expect(tried.stderr).toMatch(new RegExp(`^${stage} +\\d+\\.\\d\\d`, "m"));
    expect(tried.stderr).toContain("built-in (no --configuration");
    expect(site.leftovers()).toEqual([]);
  });

  test("of several words keeps each word as it is", async () => {
    const tried = await site.run(["--", "printf", "<%s>", "a b", "$HOME", "--help"]);
    expect(tried.stdout).toContain("<a b><$HOME><--help>");
  });

  test("that the configuration refuses ends with 1, a broken configuration with 2", async () => {
    const refused = await site.run(["--image", "a:b/c", "--", "true"]);
    expect(refused.status).toBe(1);
    expect(refused.stdout).toContain('Cannot use the image "a:b/c"');
    expect(refused.stderr).toContain("refused or failed before its script");
    write("[general]\nexecuter = 1\n", "bad.toml");
    const broken = await site.run(["--configuration", "bad.toml", "--", "true"]);
    expect(broken.status).toBe(2);
    expect(broken.stderr).toContain("bad.toml:2:1: [general] executer: unknown key; nearest");
  });

  test("that the system fails ends with 2 after the runner's three attempts", async () => {
    write(
      `[general]\nexecutor = "shell"\ndata_dir = "${site.dir}/data"\nshell_path = "/no/bash"\n`,
      "site.toml",
    );
    const tried = await site.run(["--configuration", "site.toml", "--", "true"]);
    expect(tried.status).toBe(2);
    expect(tried.stdout).toContain('shell_path = "/no/bash" does not exist');
    expect(tried.stderr).toMatch(/^prepare \(attempt 3\) .* exit 2$/m);
    expect(existsSync(`${site.dir}/data`)).toBe(false);
  });
});

test("the job's own project leaves the site's directories as they were", async () => {
  const data = `${site.dir}/site-data`;
  mkdirSync(`${data}/builds/mine_1`, { recursive: true });
  write(`[general]\nexecutor = "shell"\ndata_dir = "${data}"\n`, "site.toml");
  const tried = await site.run([
    "--configuration",
    "site.toml",
    "--",
    "pwd; mkdir -p x/y; chmod 0 x",
  ]);
  expect(tried.status).toBe(0);
  expect(tried.stderr).toContain("configuration: site.toml");
  expect(tried.stdout).toContain(`${data}/builds/try_`);
  expect(readdirSync(data)).toEqual(["builds"]);
  expect(readdirSync(`${data}/builds`)).toEqual(["mine_1"]);
});

test("retain_logs keeps the scripts and says where", async () => {
  const data = `${site.dir}/kept-data`;
  write(`[general]\nexecutor = "shell"\ndata_dir = "${data}"\nretain_logs = true\n`, "site.toml");
  const tried = await site.run(["--configuration", "site.toml", "--", "true"]);
  const [, kept = ""] = /scripts are kept in (\S+),/.exec(tried.stderr) ?? [];
  expect(kept).toStartWith(`${data}/scripts/try_`);
  expect(readdirSync(kept)).toEqual(["000"]);
});

describe("a file", () => {
  test("gives the job its keywords, the files of HEAD, and says what it ignores", async () => {
    site.git("init", "-q", "-b", "topic");
    write("tracked\n", "tracked.txt");
    site.git("add", ".");
    site.git("commit", "-q", "-m", "one");
    write("new\n", "untracked.txt");
    write(`
include: other.yml
variables: {GREETING: hello}
default:
  after_script: [echo "after $CI_JOB_STATUS"]
.base:
  before_script: [echo before]
  rules: [{if: $CI}]
build:
  extends: .base
  cache: {paths: [x]}
  script:
    - [ls, 'echo "$GREETING $CI_COMMIT_BRANCH pw=$MY_PASSWORD"']
    - mkdir out; echo 1 > out/one
    - printf 'section_start:1:s\\r\\033[0KTitle\\nsection_end:2:s\\r\\033[0K\\n'
  artifacts: {paths: [$OUT/], reports: {junit: x.xml}}
other:
  script: [exit 1]
`);
    const words = ["--job", "build", "--variable", "OUT=out", "--variable", "MY_PASSWORD"];
    const tried = await site.run(words, { MY_PASSWORD: "hunter22" });
    expect(tried.status).toBe(0);
    const order = ["before", "tracked.txt", "hello topic pw=[MASKED]", "Title", "after success"];
    const places = order.map((line) => tried.stdout.indexOf(`\n${line}\n`));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    for (const absent of ["untracked.txt", "section_start", "section_end"])
      expect(tried.stdout).not.toContain(`\n${absent}`);
    expect(tried.stdout + tried.stderr).not.toContain("hunter22");
    expect(tried.stderr).toContain("of topic; uncommitted changes are not included");
    expect(tried.stderr).toContain("ignored in the file: include\n");
    expect(tried.stderr).toContain('ignored in job "build": cache, rules\n');
    expect(tried.stderr).toContain("ignored in artifacts: reports\n");
    expect(tried.stderr).toContain("artifacts: 1 file would be uploaded: out/one\n");
    expect(readFileSync(`${site.work}/untracked.txt`, "utf8")).toBe("new\n");
    expect(site.git("status", "--porcelain").trim().split("\n")).toHaveLength(2);
    expect(site.leftovers()).toEqual([]);
  });

  test("without Git gives an empty directory, also at a detached HEAD with it the commit", async () => {
    site.git("init", "-q");
    write("one\n", "one.txt");
    site.git("add", ".");
    site.git("commit", "-q", "-m", "one");
    site.git("checkout", "-q", "--detach");
    const detached = await site.run(["--", "ls"]);
    expect([detached.status, detached.stdout]).toEqual([0, expect.stringMatching(/^one\.txt$/m)]);
    const none = await site.run(["--no-git", "--", "ls"]);
    expect([none.status, none.stdout]).toEqual([0, expect.not.stringContaining("one.txt")]);
  });

  test("with several jobs lists them, and a hidden one cannot be run", async () => {
    write("a: {script: ['true']}\n.b: {script: ['true']}\nc: {script: ['true']}\n");
    const several = await site.run([]);
    expect(several.status).toBe(2);
    expect(several.stderr).toContain(
      ".gitlab-ci.yml has 2 jobs; wanted: --job NAME with one of a, c",
    );
    const hidden = await site.run(["--job", ".b"]);
    expect([hidden.status, hidden.stderr]).toEqual([2, expect.stringContaining("is hidden")]);
  });

  test("that is no YAML is an error with its line", async () => {
    write("a:\n  script:\n    - one\n   - two\n", "job.yml");
    const tried = await site.run(["job.yml"]);
    expect(tried.status).toBe(2);
    expect(tried.stderr).toMatch(/^jacamar: error: job\.yml:4:\d+: /);
    expect(tried.stdout).toBe("");
  });
});

test.each([
  [["job.yml", "--", "true"], "both a job file and a command"],
  [["--image", "x"], "--image x without a command"],
  [["--"], "no command after --"],
  [["--variable", "1x=2", "--", "true"], '--variable "1x"'],
  [["--variable", "NOT_SET_HERE", "--", "true"], "not set in the environment"],
  [["missing.yml"], "missing.yml"],
  [[], "has no .gitlab-ci.yml"],
])("%j is an error", async (words, message) => {
  const tried = await site.run(words);
  expect([tried.status, tried.stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(site.leftovers()).toEqual([]);
});

describe("Ctrl-C", () => {
  /** Starts a job that waits, sends `signal` once it does, and gives all that came. */
  async function interrupted(signals: readonly NodeJS.Signals[]) {
    write(`
waits:
  script: ["echo ready", "sleep 973.${process.pid}"]
  after_script: ["echo after-$CI_JOB_STATUS"]
`);
    const child = site.start([]);
    let stdout = "";
    for await (const chunk of child.stdout) {
      const before = stdout;
      stdout += new TextDecoder().decode(chunk);
      if (!/^ready$/m.test(before) && /^ready$/m.test(stdout))
        for (const signal of signals) child.kill(signal);
    }
    const status = await child.exited;
    return { status, stdout, stderr: await new Response(child.stderr).text() };
  }

  test("cancels the script, after_script and cleanup run, and 130 is the status", async () => {
    const { status, stdout, stderr } = await interrupted(["SIGINT"]);
    expect(status).toBe(130);
    expect(stdout).toContain("after-canceled");
    expect(stdout).toContain("ERROR: Job failed: canceled");
    expect(stderr).toContain("cancelling the job");
    expect(stderr).toMatch(/^cleanup .* ok$/m);
    expect(Bun.spawnSync(["pgrep", "-f", `sleep 973.${process.pid}`]).exitCode).toBe(1);
    expect(site.leftovers()).toEqual([]);
  });

  test("and TERM leave nothing but cleanup to run", async () => {
    const { status, stdout, stderr } = await interrupted(["SIGTERM"]);
    expect(status).toBe(143);
    expect(stdout).not.toContain("after-canceled\n");
    expect(stderr).toMatch(/^cleanup .* ok$/m);
    expect(site.leftovers()).toEqual([]);
  });
});

import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobSpec } from "../../src/runner/job-spec.ts";
import { gitlabRunnerCalls, installGitlabRunner } from "../../src/runner/runner.ts";
import { Bench, runOf, sequence } from "./bench.ts";

const bench = new Bench();
afterAll(() => bench.remove());

const store = join(bench.root, "store");
const build: JobSpec = {
  id: 100,
  name: "build",
  script: [
    "mkdir -p 'out/sub dir'",
    "echo made > 'out/sub dir/file'",
    "touch out/skip.o a.txt b.c",
  ],
  artifacts: { paths: ["out/", "*.txt"], exclude: ["out/*.o"], name: "the name" },
};
const use: JobSpec = {
  id: 101,
  name: "use",
  script: ["find . -type f | sort", "cat 'out/sub dir/file'"],
  dependencies: [100],
};

test("artifacts pass from one job to the next", async () => {
  const runner = bench.runner({}, { buildsDir: join(bench.root, "builds-artifacts") });
  const first = await runner.run(build);
  expect(first.status).toBe("success");
  expect(first.log).toContain("out/: found 2 matching artifact files\n");
  rmSync(first.projectDir, { recursive: true });
  const second = await runner.run(use);
  expect(sequence(second)).toContain("download_artifacts");
  expect(second.log).toContain("./a.txt\n./out/sub dir/file\n");
  expect(second.log).toContain("made\n");
  const calls = gitlabRunnerCalls(store);
  const upload = ["artifacts-uploader", "--url", `file://${store}`, "--token"];
  expect(calls.find(([name]) => name === "artifacts-uploader")?.slice(0, 4)).toEqual(upload);
  expect(calls.find(([name]) => name === "artifacts-downloader")?.slice(3)).toEqual([
    "--token",
    "glcbt-64_token-of-100",
    "--id",
    "100",
  ]);
});

test("missing artifacts fail the job before its script", async () => {
  const result = await bench.runner({}).run({ ...use, dependencies: [12345] });
  expect(result).toMatchObject({ status: "failed", failureReason: "script_failure", exitCode: 1 });
  expect(result.log).toContain("not found");
  expect(sequence(result)).not.toContain("build_script");
});

test("an upload without files succeeds", async () => {
  const result = await bench.runner({}).run({ ...build, id: 102, script: ["rm -rf out *.txt"] });
  expect(result.status).toBe("success");
  expect(result.log).toContain("ERROR: No files to upload");
  expect(existsSync(join(store, "artifacts/102.tar"))).toBe(false);
});

test("artifacts are only uploaded when the job's result asks for it", async () => {
  const script = ["touch a.txt", "false"];
  const artifacts = { paths: ["a.txt"] };
  const runner = bench.runner({});
  const plain = await runner.run({ ...build, id: 103, script, artifacts });
  expect(sequence(plain).some((stage) => stage.startsWith("upload_"))).toBe(false);
  const onFailure = { ...artifacts, when: "on_failure" as const };
  const wanted = await runner.run({ ...build, id: 104, script, artifacts: onFailure });
  expect(sequence(wanted)).toContain("upload_artifacts_on_failure");
  expect(existsSync(join(store, "artifacts/104.tar"))).toBe(true);
});

test("a cache comes back in a later job", async () => {
  const cache = { key: "deps-$CI_COMMIT_REF_SLUG", paths: ["deps/"] };
  const spec: JobSpec = { id: 105, name: "cached", script: ["cat deps/a || true"], cache };
  const runner = bench.runner({}, { buildsDir: join(bench.root, "builds-cache") });
  const first = await runner.run({ ...spec, script: ["mkdir deps", "echo cached > deps/a"] });
  expect(first.log).toContain("Failed to extract cache");
  expect(first.log).toContain("Created cache");
  const archive = join(bench.root, "cache/acme/widget/deps-main/cache.zip");
  expect(existsSync(archive)).toBe(true);
  rmSync(first.projectDir, { recursive: true });
  const second = await runner.run({ ...spec, id: 106 });
  expect(runOf(second, "restore_cache").stdout).toContain("Successfully extracted cache");
  expect(runOf(second, "build_script").stdout).toContain("cached\n");
  const call = gitlabRunnerCalls(store).find(([name]) => name === "cache-extractor");
  expect(call?.slice(0, 3)).toEqual([
    "cache-extractor",
    "--file",
    "../../../cache/acme/widget/deps-main/cache.zip",
  ]);
});

test("without gitlab-runner archives are lost, and nothing fails", async () => {
  const env = { PATH: "/usr/bin:/bin" };
  const cache = { key: "k", paths: ["deps"] };
  const runner = bench.runner({}, { env });
  const result = await runner.run({ ...build, id: 107, cache, dependencies: [100] });
  expect(result.status).toBe("success");
  for (const what of ["Extracting cache", "Downloading artifacts", "Uploading artifacts"]) {
    expect(result.log).toContain(`Missing gitlab-runner. ${what} is disabled.`);
  }
});

/** Calls the program directly, in a directory with some files, with a shell of choice. */
function call(shell: readonly string[], ...args: string[]) {
  const directory = join(bench.root, "files");
  mkdirSync(join(directory, "deep/er"), { recursive: true });
  writeFileSync(join(directory, "deep/er/x.log"), "x");
  writeFileSync(join(directory, "y.log"), "y");
  const program = installGitlabRunner(join(bench.root, "bin"));
  const [interpreter = "", ...flags] = [...shell, program, ...args];
  return spawnSync(interpreter, flags, { cwd: directory, encoding: "utf8" });
}

const shells = [["bash"], ["dash"], ["busybox", "sh"]]
  .filter(([name]) => Bun.which(name ?? "") !== null)
  .map((words) => ({ name: words.join(" "), words }));

test.each(shells)("the stand-in works with $name", ({ words }) => {
  const url = ["--url", `file://${store}`];
  const up = call(
    words,
    "artifacts-uploader",
    ...url,
    "--id",
    "9",
    "--path",
    "**/*.log",
    "--path",
    "no",
  );
  expect(up.stderr).toBe("");
  expect(up.stdout).toContain("**/*.log: found 2 matching");
  expect(up.stdout).toContain("WARNING: no: no matching files");
  const names = spawnSync("tar", ["-tf", join(store, "artifacts/9.tar")], { encoding: "utf8" });
  expect(names.stdout).toBe("deep/er/x.log\ny.log\n");
  expect(call(words, "artifacts-downloader", ...url, "--id", "9").status).toBe(0);
  expect(call(words, "--version").stdout).toStartWith("Version:");
});

test("the stand-in refuses what it does not know", () => {
  const url = ["--url", `file://${store}`];
  expect(call(["sh"], "nonsense").stderr).toContain("no such command");
  expect(call(["sh"], "cache-extractor", "--new", "1").stderr).toContain("not defined: --new");
  expect(call(["sh"], "cache-extractor", "--url", "http://a").stderr).toContain("file:///");
  const away = call(["sh"], "artifacts-downloader", "--url", "file:///no/store", "--id", "1");
  expect(away.stderr).toContain("not visible");
  expect(call(["sh"], "artifacts-downloader", ...url, "--id", "404").status).toBe(1);
  expect(readFileSync(join(store, "calls.log"), "utf8")).toContain("--id\t404\n");
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { startDriver } from "../../test/fixtures/command-line.ts";
import type { Explanation } from "./explanation-text.ts";

const CHARLIECLOUD = ['run_mechanism = "charliecloud"', "[general.charliecloud]"];

let dir = "";
beforeAll(() => {
  dir = mkdtempSync("/var/tmp/jacamar-explain-");
});
afterAll(() => rmSync(dir, { recursive: true }));

const start = (words: readonly string[]) =>
  startDriver(words, { PATH: "/usr/bin:/bin", HOME: dir });

function configuration(...lines: string[]): string {
  const file = `${dir}/jacamar.toml`;
  writeFileSync(
    file,
    ["[general]", 'executor = "shell"', 'data_dir = "$HOME"', ...lines].join("\n"),
  );
  return file;
}

test("a secret is masked in text and JSON, also one that quotes and escapes would disguise", async () => {
  const secret = `it's "a" \\secret`;
  const args = `--set-env="TOKEN=it's \\"a\\" \\\\secret"`;
  writeFileSync(
    `${dir}/response.json`,
    JSON.stringify({
      id: 1,
      image: { name: "debian:12" },
      variables: [{ key: "TOKEN", value: secret, masked: true }],
    }),
  );
  const words = [
    "--explain",
    "--configuration",
    configuration(...CHARLIECLOUD, `application_path = "${dir}"`),
    "--job-response",
    `${dir}/response.json`,
    "--variable",
    `JACAMAR_CI_CHARLIECLOUD_ARGS=${args}`,
  ];
  // A program that only tells its version is enough for a plan.
  writeFileSync(`${dir}/ch-run`, "#!/bin/sh\necho 0.38 >&2\n", { mode: 0o755 });
  writeFileSync(`${dir}/ch-image`, "#!/bin/sh\necho 0.38\n", { mode: 0o755 });
  for (const more of [[], ["--json"]]) {
    const { status, stdout } = await start([...words, ...more]);
    expect(status).toBe(0);
    expect(stdout).toContain("--set-env=TOKEN=[MASKED]");
    expect(stdout).not.toMatch(/secret/);
  }
});

test("--image and --variable stand for a job; a refused one is a plan too, with status 0", async () => {
  const file = configuration(...CHARLIECLOUD, 'image_allowlist = ["r.example/"]');
  const words = [
    "--explain",
    "--configuration",
    file,
    "--image",
    "evil/x",
    "--variable=CI_JOB_ID=9",
  ];
  const { status, stdout, stderr } = await start([...words, "--json", "--stage=get_sources"]);
  expect([status, stderr]).toEqual([0, ""]);
  const { job, plan }: Explanation = JSON.parse(stdout);
  expect([job.id, job.source]).toEqual(["9", "environment"]);
  expect(plan.refusals[0]?.from).toBe("[general.charliecloud] image_allowlist");
  expect(plan.stages.map(({ name }) => name)).toEqual(["get_sources"]);
});

test("the scheduler's own version decides the submission that is shown, and a missing program refuses", async () => {
  const file = `${dir}/batch.toml`;
  writeFileSync(
    file,
    `[general]\nexecutor = "slurm"\ndata_dir = "$HOME"\n[batch]\nscheduler_bin = "${dir}"\n`,
  );
  const explained = async (): Promise<Explanation> =>
    JSON.parse((await start(["--explain", "--json", "--configuration", file])).stdout);
  const missing = await explained();
  expect(missing.plan.batch).toBeUndefined();
  expect(missing.plan.refusals).toEqual([
    {
      fault: "admin",
      message: `cannot use Slurm: sbatch was not found in [batch] scheduler_bin = "${dir}"; set [batch] scheduler_bin`,
      from: "[batch] scheduler_bin",
    },
  ]);
  for (const [version, word] of [
    ["22.05.8", "--export=NONE"],
    ["23.11.4", "--export=NIL"],
  ]) {
    for (const name of ["sbatch", "squeue", "scontrol", "scancel"])
      writeFileSync(`${dir}/${name}`, `#!/bin/sh\necho slurm ${version}\n`, { mode: 0o755 });
    const { plan } = await explained();
    expect(plan.batch?.version).toBe(version);
    expect(plan.batch?.submit).toContain(word);
  }
});

test("bad input is one line and status 2", async () => {
  const file = configuration();
  for (const [words, message] of [
    [["--explain"], "--explain needs --configuration FILE"],
    [["--explain", "--configuration", `${dir}/none.toml`], "no such file"],
    [["--explain", "--configuration", file, "--job-response", `${dir}/none`], "(--job-response)"],
    [["--explain", "--configuration", file, "--job-response", file], "not complete JSON"],
    [["--explain", "--configuration", file, "--variable", "X"], "wanted: NAME=VALUE"],
    [["--explain", "--configuration", file, "--variable", "=x"], "wanted: NAME=VALUE"],
  ] as const) {
    const { status, stdout, stderr } = await start(words);
    expect([words, status, stdout]).toEqual([words, 2, ""]);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  }
});

import { expect, test } from "bun:test";
import { readJob } from "../job/read-job.ts";
import { KNOWN_STAGES } from "../job/stages.ts";
import { compilePattern } from "../settings/patterns.ts";
import { validateSettings } from "../settings/validate.ts";
import { containerCommand, plannedImage } from "./container-plan.ts";
import type { Facts } from "./facts.ts";
import { artifactProblem, checkSite, type JobPlan, planJob, planStage } from "./job-plan.ts";

const FACTS: Facts = {
  shell: { bash: "/bin/bash", env: { HOME: "/home/ann" } },
  login: {},
  time: "",
  applications: {
    chRun: { path: "/usr/bin/ch-run", version: "0.38" },
    chImage: { path: "/usr/bin/ch-image", version: "0.38" },
    chImageEnv: {},
    searched: "PATH",
  },
  packing: { mksquashfs: "/usr/bin/mksquashfs", fuse: true },
  gitlabRunner: { choice: "/usr/bin/gitlab-runner", because: "it is there", from: "PATH" },
};
const NO_RUNNER: Facts = {
  ...FACTS,
  gitlabRunner: { choice: "", because: "nobody has it", from: "[[runners]] environment" },
};
const IMAGE = { image: { name: "r.example/app:1" } };
const MECHANISM = 'run_mechanism = "charliecloud"';

interface Wanted {
  /** Lines after `[general]`. */
  readonly toml?: readonly string[];
  readonly payload?: object;
  readonly facts?: Facts;
  readonly noAuth?: boolean;
}

async function settingsOf(lines: readonly string[]) {
  const executor = lines.some((line) => line.startsWith("executor")) ? [] : ['executor = "shell"'];
  const toml = ["[general]", 'data_dir = "/data"', ...executor, ...lines].join("\n");
  const checked = await validateSettings(toml, "/etc/jacamar.toml");
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.settings;
}

async function planned(wanted: Wanted = {}): Promise<JobPlan> {
  const { toml = [], payload = {}, facts = FACTS, noAuth = true } = wanted;
  const info = { id: 7, job_info: { name: "test", project_id: 1, project_name: "p" } };
  const reading = readJob({}, JSON.stringify({ ...info, ...payload }));
  if (!reading.ok) throw new Error(reading.message);
  return planJob({
    settings: await settingsOf(toml),
    job: reading.job,
    user: { uid: 1000, gid: 1000, name: "ann", home: "/home/ann" },
    slot: 3,
    facts,
    noAuth,
    compile: compilePattern,
  });
}

function places(plan: JobPlan): Record<string, string> {
  return Object.fromEntries(plan.stages.map(({ name, where }) => [name, where.choice]));
}

test("a job without an image runs all of its stages in the login shell", async () => {
  const plan = await planned({ toml: [MECHANISM] });
  expect(plan.refusals).toEqual([]);
  expect([plan.step, plan.helper]).toEqual([undefined, undefined]);
  expect(plan.stages.map(({ name }) => name)).toEqual(KNOWN_STAGES.map(({ name }) => name));
  for (const { name, where, argv } of plan.stages) {
    expect(where.choice).toBe("host");
    expect(argv).toEqual(["/bin/bash", "--login", `/data/scripts/p_1/003/${name}.bash`]);
  }
});

test("the user's scripts run in the image, everything else on the host or in runner_image", async () => {
  const alone = await planned({ toml: [MECHANISM], payload: IMAGE });
  expect(places(alone)).toMatchObject({
    prepare_script: "host",
    get_sources: "host",
    build_script: "image",
    step_release: "image",
    after_script: "image",
    upload_artifacts_on_success: "host",
  });
  const table = [
    "[general.charliecloud]",
    'runner_image = "site/helper"',
    "step_script_only = true",
  ];
  const both = await planned({ toml: [MECHANISM, ...table], payload: IMAGE });
  expect(places(both)).toMatchObject({
    get_sources: "runner_image",
    build_script: "image",
    after_script: "host",
    cleanup_file_variables: "runner_image",
  });
  expect([both.step?.role, both.helper?.role]).toEqual(["step", "helper"]);
});

test("a stage's command is the one of its container, or that of the host", async () => {
  const table = ["[general.charliecloud]", 'runner_image = "site/helper"'];
  const plan = await planned({ toml: [MECHANISM, ...table], payload: IMAGE });
  const argv = (name: string) => planStage(plan, name)?.argv ?? [];
  const { step, helper } = plan;
  if (!step || !helper) throw new Error("there is no container");
  const entry = (name: string) => [`/data/scripts/p_1/003/${name}.bash`];
  expect(argv("build_script")).toEqual(
    containerCommand(step, plannedImage(step), entry("build_script")),
  );
  expect(argv("get_sources")).toEqual(
    containerCommand(helper, plannedImage(helper), entry("get_sources")),
  );
});

test("stages that no known runner asks for have their place too", async () => {
  const plan = await planned({ toml: [MECHANISM], payload: IMAGE });
  expect(planStage(plan, "step_new-thing")?.where.choice).toBe("image");
  expect(planStage(plan, "some_day")?.where.choice).toBe("host");
  expect(planStage(plan, "step_a/../b")?.argv.at(-1)).toBe(
    "/data/scripts/p_1/003/step_a_.._b.bash",
  );
});

test("a refused container leaves its stages without a command, the others with theirs", async () => {
  const table = ["[general.charliecloud]", 'image_allowlist = ["good/"]'];
  const plan = await planned({ toml: [MECHANISM, ...table], payload: IMAGE });
  expect(plan.refusals).toMatchObject([
    { fault: "user", from: "[general.charliecloud] image_allowlist" },
  ]);
  expect(plan.step).toBeUndefined();
  expect(planStage(plan, "build_script")?.argv).toEqual([]);
  expect(planStage(plan, "get_sources")?.argv).not.toEqual([]);
});

test("all that is wrong is told at once, the site's mistakes first", async () => {
  const plan = await planned({
    toml: ['executor = "cobalt"', MECHANISM],
    payload: { image: { name: "Bad Name" } },
  });
  expect(plan.refusals.map(({ from }) => from)).toEqual(["[general] executor", "image:"]);
});

test("an unusable data_dir is refused and leaves no stage with a command", async () => {
  const toml = ["[general]", 'executor = "shell"', 'data_dir = "relative"'].join("\n");
  const checked = await validateSettings(toml, "/etc/jacamar.toml");
  const reading = readJob({}, "{}");
  if (!checked.ok || !reading.ok) throw new Error("bad test");
  const plan = planJob({
    settings: checked.settings,
    job: reading.job,
    user: { uid: 1, gid: 1, name: "ann", home: "/home/ann" },
    slot: 0,
    facts: FACTS,
    noAuth: true,
    compile: compilePattern,
  });
  expect(plan.refusals).toMatchObject([{ fault: "admin", from: "[general] data_dir" }]);
  expect(plan.directories).toBeUndefined();
  expect(plan.stages.every(({ argv }) => argv.length === 0)).toBe(true);
});

test("checkSite() refuses what this version cannot do instead of leaving it out", async () => {
  const from = async (lines: readonly string[], noAuth: boolean) =>
    checkSite(await settingsOf(lines), noAuth).map((refusal) => refusal.from);
  for (const executor of ["cobalt", "qsub"]) {
    expect(await from([`executor = "${executor}"`], true)).toEqual(["[general] executor"]);
  }
  for (const executor of ["slurm", "sbatch", "flux", "pbs", "lsf", "bsub"]) {
    expect(await from([`executor = "${executor}"`], true)).toEqual([]);
  }
  const auth = (line: string) => ["[auth]", line];
  expect(await from([], false)).toEqual([]);
  expect(await from(auth('downscope = "none"'), false)).toEqual([]);
  expect(await from(auth('downscope = "setuid"'), true)).toEqual([]);
  for (const line of ['downscope = "setuid"', 'downscope = "sudo"', ""]) {
    expect([line, await from(auth(line), false)]).toEqual([line, ["[auth] downscope"]]);
  }
});

test("without gitlab-runner a job with artifacts is refused, and one without is told", async () => {
  const artifacts = { artifacts: [{ paths: ["a"] }] };
  const lost = await planned({ facts: NO_RUNNER, payload: artifacts });
  expect(lost.refusals).toMatchObject([{ fault: "admin", from: "[[runners]] environment" }]);
  expect(artifactProblem(lost)).toContain("gitlab-runner was not found (nobody has it)");
  const harmless = await planned({ facts: NO_RUNNER });
  expect(harmless.refusals).toEqual([]);
  expect(harmless.notes).toEqual([
    expect.stringContaining("artifacts and caches would be skipped"),
  ]);
  expect(artifactProblem(harmless)).toBeDefined();
  const table = ["[general.charliecloud]", 'runner_image = "site/helper"'];
  const inImage = await planned({
    facts: NO_RUNNER,
    payload: { ...artifacts, ...IMAGE },
    toml: [MECHANISM, ...table],
  });
  expect([inImage.refusals, artifactProblem(inImage)]).toEqual([[], undefined]);
  expect(artifactProblem(await planned())).toBeUndefined();
});

test("notes of all decisions end up in the job log", async () => {
  const plan = await planned({ payload: IMAGE });
  expect(plan.notes).toEqual([expect.stringContaining("is ignored and the job runs on the host")]);
});

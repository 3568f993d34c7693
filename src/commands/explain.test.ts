/**
 * Golden plans: what `--explain` says of typical jobs, on a host that is the same everywhere, as text and as JSON
 * (of the stage build_script, the others differ in their names).
 *
 * A change of wording or of a decision shows here as a difference. To accept it, run
 * `UPDATE_GOLDEN=1 bun test src/commands/explain.test.ts`, read the difference in Git, and run the tests again without
 * the variable: with it they always fail, and in CI it has no effect.
 */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Facts } from "../executors/facts.ts";
import { planJob } from "../executors/job-plan.ts";
import { readJob } from "../job/read-job.ts";
import { compilePattern } from "../settings/patterns.ts";
import { validateSettings } from "../settings/validate.ts";
import { explanationOf } from "./explain.ts";
import { type Explanation, explanationJson, explanationText } from "./explanation-text.ts";

const GOLDEN = `${import.meta.dir}/golden`;
const UPDATE = process.env["UPDATE_GOLDEN"] === "1" && process.env["CI"] === undefined;

const ANN = { uid: 1000, gid: 1000, name: "ann", home: "/home/ann" };
const FACTS: Facts = {
  shell: {
    bash: "/bin/bash",
    env: { HOME: "/home/ann", USER: "ann", LOGNAME: "ann", JACAMAR_CI_SHELL: "true" },
  },
  login: { PATH: "/usr/local/bin:/usr/bin", SECRET_OF_THE_PROFILE: "hunter22" },
  time: "",
  applications: {
    chRun: { path: "/opt/ch/bin/ch-run", version: "0.38" },
    chImage: { path: "/usr/bin/ch-image", version: "0.31" },
    chImageEnv: { SECRET_OF_THE_PROFILE: "hunter22" },
    searched: "PATH of the login shell (/usr/local/bin:/usr/bin)",
  },
  packing: { mksquashfs: "/usr/bin/mksquashfs", fuse: true },
  gitlabRunner: {
    choice: "/usr/bin/gitlab-runner",
    because: "the login shell finds it",
    from: "PATH of the login shell",
  },
};
const OLD: Facts = {
  ...FACTS,
  applications: { ...FACTS.applications, chRun: { path: "/usr/bin/ch-run", version: "0.31" } },
};
const SLURM: Facts = {
  ...FACTS,
  scheduler: {
    programs: { ok: true, value: { sbatch: "/usr/bin/sbatch" } },
    env: { SECRET_OF_THE_PROFILE: "hunter22" },
    version: "23.11.4",
  },
};
const NO_SLURM: Facts = {
  ...FACTS,
  scheduler: {
    programs: {
      ok: false,
      refusal: {
        fault: "admin",
        message:
          "cannot use Slurm: sbatch was not found in PATH of the login shell; set [batch] scheduler_bin",
        from: "[batch] scheduler_bin",
      },
    },
    env: {},
    version: "",
  },
};
const NONE: Facts = {
  ...FACTS,
  applications: { ...FACTS.applications, chRun: undefined, chImage: undefined },
};

interface Scenario {
  /** Lines after `[general]` with its two required keys. */
  readonly toml: readonly string[];
  readonly image?: string | object;
  readonly variables?: Readonly<Record<string, string>>;
  /** More of the payload. */
  readonly payload?: object;
  readonly facts?: Facts;
  readonly auth?: true;
}

const CHARLIECLOUD = ['run_mechanism = "charliecloud"', "[general.charliecloud]"];
const REGISTRY = {
  credentials: [
    {
      type: "registry",
      url: "registry.site.example",
      username: "gitlab-ci-token",
      password: "glcbt-64_JobToken",
    },
  ],
};

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "host-job": { toml: ["retain_logs = true"], variables: { CUSTOM_CI_BUILDS_DIR: "/scratch/ann" } },
  "image-on-new-ch-run": { toml: CHARLIECLOUD, image: "debian:12" },
  "image-on-old-ch-run": {
    toml: [...CHARLIECLOUD, 'image_storage_dir = "$HOME/images/"', "step_script_only = true"],
    image: "debian:12",
    facts: OLD,
  },
  "forced-default-image": {
    toml: [
      "force_mechanism = true",
      ...CHARLIECLOUD,
      'default_image = "registry.site.example/base:1"',
      'image_allowlist = ["docker.io/"]',
    ],
  },
  "refused-by-allowlist": {
    toml: [...CHARLIECLOUD, 'image_allowlist = ["registry.site.example/", "docker.io/library/"]'],
    image: "evil.example/registry.site.example/app:1",
  },
  "runner-image": {
    toml: [
      ...CHARLIECLOUD,
      'runner_image = "registry.site.example/helper:3"',
      'runner_options = ["--bind=$HOME:/home/user"]',
      'runner_pull_policy = "if-not-present"',
    ],
    image: "debian",
  },
  "volumes-and-options": {
    toml: [
      ...CHARLIECLOUD,
      'user_volume_variable = "CH_VOLUMES"',
      'custom_options = ["--bind=/opt/site", "--set-env=SITE=$USER"]',
    ],
    image: { name: "debian:12", pull_policy: ["if-not-present", "always"] },
    variables: {
      CH_VOLUMES_10: "/data/$(id):/data",
      CH_VOLUMES_2: "/scratch/with space",
      JACAMAR_CI_CHARLIECLOUD_ARGS: "--set-env='NAME=two words' -b /opt/own:/own",
    },
  },
  "account-of-payload": {
    toml: CHARLIECLOUD,
    image: "registry.site.example/group/app:1",
    payload: REGISTRY,
  },
  "account-of-variables": {
    toml: CHARLIECLOUD,
    image: "registry.site.example/group/app:1",
    payload: REGISTRY,
    variables: { CH_IMAGE_USERNAME: "robot", CH_IMAGE_PASSWORD: "hunter22" },
  },
  "no-account-for-another-port": {
    toml: CHARLIECLOUD,
    image: "registry.site.example:5000/group/app:1",
    payload: REGISTRY,
  },
  "tag-and-digest": {
    toml: CHARLIECLOUD,
    image: `docker.io/debian:12@sha256:${"0123456789abcdef".repeat(4)}`,
  },
  "refused-without-auth": { toml: ["[auth]", 'downscope = "setuid"'], auth: true },
  "refused-executor": { toml: ['executor = "cobalt"'] },
  "batch-job": {
    toml: ['executor = "slurm"', "[batch]", 'default_args = ["--account=ci"]'],
    variables: { SCHEDULER_PARAMETERS: "--nodes=2 --time=30" },
    facts: SLURM,
  },
  "batch-job-in-an-image": {
    toml: ['executor = "slurm"', ...CHARLIECLOUD],
    image: "debian:12",
    facts: SLURM,
  },
  "missing-scheduler": { toml: ['executor = "slurm"'], facts: NO_SLURM },
  "missing-ch-run": { toml: CHARLIECLOUD, image: "debian:12", facts: NONE },
};

/** What is the same in every batch job is not part of a golden plan. */
function withoutBody(text: string): string {
  return text
    .replace(/^( +command=\(.*\)\n)[\s\S]*/m, "$1  …\n")
    .replace(/("batchProgram": ".*?\\ncommand=\(.*?\)\\n)[^\n]*"/, '$1…"');
}

async function explained(scenario: Scenario, stage?: string): Promise<Explanation> {
  const { toml, image, variables = {}, payload = {}, facts = FACTS, auth = false } = scenario;
  const executor = toml.some((line) => line.startsWith("executor")) ? [] : ['executor = "shell"'];
  const text = ["[general]", ...executor, 'data_dir = "$HOME"', ...toml].join("\n");
  const checked = await validateSettings(text, "/etc/gitlab-runner/jacamar.toml");
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const job = JSON.stringify({
    id: 4211,
    token: "glcbt-64_JobToken",
    job_info: { name: "unit tests", project_id: 31, project_name: "widget" },
    runner_info: { timeout: 3600 },
    ...(image === undefined ? {} : { image: typeof image === "string" ? { name: image } : image }),
    ...payload,
  });
  const custom = Object.entries(variables).map(([name, value]) => [`CUSTOM_ENV_${name}`, value]);
  const reading = readJob(Object.fromEntries(custom), job);
  if (!reading.ok) throw new Error(reading.message);
  const { settings } = checked;
  const plan = planJob({
    settings,
    job: reading.job,
    user: ANN,
    slot: 0,
    facts,
    noAuth: !auth,
    compile: compilePattern,
  });
  return explanationOf({ settings, job: reading.job, facts, plan, stage });
}

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  test(`the plan for ${name} is the golden one`, async () => {
    const text = withoutBody(`${explanationText(await explained(scenario))}\n`);
    const json = withoutBody(explanationJson(await explained(scenario, "build_script")));
    if (UPDATE) {
      writeFileSync(`${GOLDEN}/${name}.txt`, text);
      writeFileSync(`${GOLDEN}/${name}.json`, json);
    }
    expect(text).toBe(readFileSync(`${GOLDEN}/${name}.txt`, "utf8"));
    // Biome lays the file out in its own way.
    expect(JSON.parse(json)).toEqual(JSON.parse(readFileSync(`${GOLDEN}/${name}.json`, "utf8")));
    expect(text + json).not.toMatch(/hunter22|glcbt-64/);
  });
}

test("each golden file belongs to a scenario", () => {
  const wanted = Object.keys(SCENARIOS).flatMap((name) => [`${name}.json`, `${name}.txt`]);
  expect(readdirSync(GOLDEN).sort()).toEqual(wanted.sort());
});

if (UPDATE) {
  test("golden files were rewritten: read the difference, and test without UPDATE_GOLDEN", () => {
    const biome = `${import.meta.dir}/../../node_modules/.bin/biome`;
    const env = { PATH: process.env["PATH"] ?? "" };
    Bun.spawnSync([biome, "format", "--write", GOLDEN], { env });
    expect("golden files were rewritten").toBe("and have to be read");
  });
}

test("a stage that no known runner asks for can be explained too", async () => {
  const { plan } = await explained({ toml: CHARLIECLOUD, image: "debian:12" }, "step_some-day");
  expect(plan.stages.map(({ name, where }) => [name, where.choice])).toEqual([
    ["step_some-day", "image"],
  ]);
});

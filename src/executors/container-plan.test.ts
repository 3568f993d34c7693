import { expect, test } from "bun:test";
import type { User } from "../host/user.ts";
import { readJob } from "../job/read-job.ts";
import type { Decision } from "../plan/decision.ts";
import { planDirectories } from "../plan/directories.ts";
import { compilePattern } from "../settings/patterns.ts";
import { validateSettings } from "../settings/validate.ts";
import { type ContainerPlan, containerCommand, faultOf, planContainer } from "./container-plan.ts";
import type { Facts } from "./facts.ts";

const ANN: User = { uid: 1000, gid: 1000, name: "ann", home: "/home/ann" };
const JOB_IMAGE = { choice: "r.example/app:1", because: "the job names it", from: "image:" };
const BUILDS = "/data/builds/p_1/000";

interface Wanted {
  /** Lines of `[general.charliecloud]`. */
  readonly table?: readonly string[];
  readonly dataDir?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly payload?: object;
  readonly role?: "step" | "helper";
  readonly image?: Decision<string>;
  /** Version of ch-run; null: there is none. */
  readonly chRun?: string | null;
  readonly chImage?: null;
  readonly login?: Readonly<Record<string, string>>;
}

function factsOf({ chRun = "0.38", chImage, login = {} }: Wanted): Facts {
  return {
    shell: { bash: "/bin/bash", env: { HOME: "/home/ann" } },
    login,
    applications: {
      chRun: chRun === null ? undefined : { path: "/usr/bin/ch-run", version: chRun },
      chImage: chImage === null ? undefined : { path: "/usr/bin/ch-image", version: "0.38" },
      chImageEnv: login,
      searched: "PATH of the login shell (/usr/bin)",
    },
    gitlabRunner: { choice: "/usr/bin/gitlab-runner", because: "it is there", from: "PATH" },
  };
}

async function verdictOf(wanted: Wanted) {
  const { table = [], dataDir = "/data", variables = {}, payload, role = "step" } = wanted;
  const toml = `[general]\nexecutor = "shell"\ndata_dir = "${dataDir}"\n[general.charliecloud]\n${table.join("\n")}`;
  const checked = await validateSettings(toml, "/etc/jacamar.toml");
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const env = Object.entries(variables).map(([name, value]) => [`CUSTOM_ENV_${name}`, value]);
  const text = payload === undefined ? undefined : JSON.stringify(payload);
  const reading = readJob(Object.fromEntries(env), text);
  if (!reading.ok) throw new Error(reading.message);
  const job = { ...reading.job, project: { id: "1", name: "p" } };
  const directories = planDirectories({ settings: checked.settings, user: ANN, job, slot: 0 });
  if (!directories.ok) throw new Error(directories.refusal.message);
  return planContainer({
    settings: checked.settings,
    job,
    user: ANN,
    facts: factsOf(wanted),
    compile: compilePattern,
    directories: directories.value,
    role,
    image: wanted.image ?? JOB_IMAGE,
  });
}

async function planned(wanted: Wanted = {}): Promise<ContainerPlan> {
  const verdict = await verdictOf(wanted);
  if (!verdict.ok) throw new Error(verdict.refusal.message);
  return verdict.value;
}

async function refusal(wanted: Wanted) {
  const verdict = await verdictOf(wanted);
  return verdict.ok ? undefined : verdict.refusal;
}

const SITE_IMAGE = {
  choice: "site.example/tools:2",
  because: "the configuration names it",
  from: "[general.charliecloud] runner_image",
};

test("the command of the guide, with the options of the site and the user at the end", async () => {
  const plan = await planned({
    table: [
      'user_volume_variable = "V"',
      'custom_options = ["-v"]',
      'image_storage_dir = "/images"',
    ],
    variables: { V_1: "/scratch:/s", JACAMAR_CI_CHARLIECLOUD_ARGS: "--set-env=A=b" },
  });
  expect(containerCommand(plan, plan.reference.pull, ["/x"])).toEqual([
    "/usr/bin/ch-run",
    "--write-fake",
    `--bind=${BUILDS}`,
    "--bind=/data/cache/p_1",
    "--bind=/data/scripts/p_1/000",
    "--storage=/images/ann.ch",
    "--set-env",
    "--set-env=HOME=/data/scripts/p_1/000/home",
    "--bind=/scratch:/s",
    "-v",
    "--set-env=A=b",
    "r.example/app:1",
    "--",
    "/x",
  ]);
});

test("image_environment = false leaves the image's ENV out", async () => {
  const plan = await planned({ table: ["image_environment = false"] });
  expect(containerCommand(plan, "x", [])).not.toContain("--set-env");
});

test("--write-fake from 0.36 on; before that, the image must offer every mount point", async () => {
  for (const [chRun, choice] of [
    ["0.36", true],
    ["0.45.2", true],
    ["0.31", false],
    ["", false],
  ] as const) {
    const plan = await planned({ chRun });
    expect([chRun, plan.writeFake.choice, plan.options.writeFake]).toEqual([chRun, choice, choice]);
    expect(plan.mountPoints.map(({ target, filesOnly }) => [target, filesOnly])).toEqual([
      [BUILDS, choice],
      ["/data/cache/p_1", choice],
      ["/data/scripts/p_1/000", choice],
    ]);
  }
});

test("whatever is bound from /srv switches --write-fake off, and the log says so", async () => {
  const table = ['user_volume_variable = "V"', "custom_options = []"];
  for (const wanted of [
    { dataDir: "/srv/data" },
    { table, variables: { V_0: "/srv:/x" } },
    { table, variables: { V_0: "/data/../srv/./a:/x" } },
    { variables: { JACAMAR_CI_CHARLIECLOUD_ARGS: "-b /srv/a" } },
    { table: ['custom_options = ["--bind=/srv/tools:/tools"]'] },
  ] satisfies Wanted[]) {
    const plan = await planned(wanted);
    expect([wanted, plan.options.writeFake]).toEqual([wanted, false]);
    expect(plan.notes.join()).toMatch(/read-only: --write-fake would hide \/.*srv/);
    expect(plan.mountPoints.every(({ filesOnly }) => !filesOnly)).toBe(true);
  }
  for (const source of ["/srv2/a:/srv", "/data/srv:/x"]) {
    const plan = await planned({ table, variables: { V_0: source } });
    expect([source, plan.options.writeFake, plan.notes]).toEqual([source, true, []]);
  }
});

test("image_storage_dir: $HOME, $USER, slashes at the end; else the user's own, else the default", async () => {
  const own = { CH_IMAGE_STORAGE: "/scratch/ann.storage/" };
  for (const [table, login, path] of [
    ['image_storage_dir = "/images"', {}, "/images/ann.ch"],
    ['image_storage_dir = "/images//"', own, "/images/ann.ch"],
    ['image_storage_dir = "$HOME/images/"', {}, "/home/ann/images/ann.ch"],
    ['image_storage_dir = "/scratch/${USER}/x"', {}, "/scratch/ann/x/ann.ch"],
    ['image_storage_dir = "~"', {}, "/home/ann/ann.ch"],
    ['image_storage_dir = "/"', {}, "/ann.ch"],
    ['image_storage_dir = ""', {}, "/var/tmp/ann.ch"],
    ["", own, "/scratch/ann.storage"],
    ["", { CH_IMAGE_STORAGE: "relative" }, "/var/tmp/ann.ch"],
  ] as const) {
    const { storage } = await planned({ table: [table], login });
    expect([table, storage.choice]).toEqual([table, path]);
  }
  expect(await refusal({ table: ['image_storage_dir = "images"'] })).toMatchObject({
    fault: "admin",
    from: "[general.charliecloud] image_storage_dir",
  });
});

test("the allowlist judges a job's image, not one of the site", async () => {
  const table = ['image_allowlist = ["r\\\\.example/"]'];
  expect((await planned({ table })).allowlist.because).toContain("r\\\\.example/");
  const foreign = { ...JOB_IMAGE, choice: "evil.example/r.example/app" };
  expect(await refusal({ table, image: foreign })).toMatchObject({
    fault: "user",
    from: "[general.charliecloud] image_allowlist",
  });
  for (const role of ["step", "helper"] as const) {
    expect((await planned({ table, image: SITE_IMAGE, role })).allowlist.from).toBe(
      SITE_IMAGE.from,
    );
  }
});

test("the account: the user's own variables, else the payload's for exactly this registry, else none", async () => {
  const payload = {
    id: 1,
    token: "glcbt-1",
    credentials: [{ type: "registry", url: "r.example", username: "ci", password: "s3cret-1" }],
  };
  const own = { CH_IMAGE_USERNAME: "ann", CH_IMAGE_PASSWORD: "hunter22" };
  for (const [wanted, choice, username] of [
    [{ variables: own, payload }, "variables", "ann"],
    [{ payload }, "payload", "ci"],
    [{ payload, image: { ...JOB_IMAGE, choice: "r.example:5000/app" } }, "none", undefined],
    [{ variables: own, image: SITE_IMAGE, role: "helper" }, "none", undefined],
    [{}, "none", undefined],
  ] as const) {
    const plan = await planned(wanted);
    expect([plan.credentials.choice, plan.credentials.username]).toEqual([choice, username]);
    expect(JSON.stringify(plan)).not.toMatch(/s3cret|hunter22|glcbt/);
  }
  expect(await refusal({ variables: { CH_IMAGE_USERNAME: "ann" } })).toMatchObject({
    fault: "user",
  });
});

test("pull policies: the job's own for its image, runner_pull_policy for the helper", async () => {
  const image = { name: "r.example/app:1", pull_policy: ["if-not-present", "never"] };
  const table = ['runner_pull_policy = "never"'];
  const choices = async (wanted: Wanted) =>
    (await planned(wanted)).pullPolicies.map(({ choice }) => choice);
  expect(await choices({ payload: { image }, table })).toEqual(["if-not-present", "never"]);
  expect(await choices({ payload: { image }, table, role: "helper", image: SITE_IMAGE })).toEqual([
    "never",
  ]);
  expect(await choices({ table })).toEqual(["always"]);
  expect(await refusal({ payload: { image: { ...image, pull_policy: ["x"] } } })).toMatchObject({
    fault: "user",
    from: "image: pull_policy",
  });
});

test("volumes and user options are for the user's steps only", async () => {
  const table = ['user_volume_variable = "V"', 'runner_options = ["-t"]'];
  const variables = { V_0: "/scratch", JACAMAR_CI_CHARLIECLOUD_ARGS: "--home" };
  const helper = await planned({ table, variables, role: "helper", image: SITE_IMAGE });
  expect([helper.volumes, helper.options.words]).toEqual([[], ["-t"]]);
  const step = await planned({ table, variables });
  expect([step.volumes.length, step.options.words]).toEqual([1, ["--home"]]);
  expect((await planned({ variables })).volumes).toEqual([]);
});

test("the trial leaves out what the job has yet to fetch, and tells the user's part apart", async () => {
  const plan = await planned({
    table: ['user_volume_variable = "V"', 'custom_options = ["--bind=/opt -v"]'],
    variables: {
      V_0: `${BUILDS}/acme/widget/data:/d`,
      V_1: "/scratch",
      JACAMAR_CI_CHARLIECLOUD_ARGS: `--home -b acme/widget:/w --bind=${BUILDS}2`,
    },
  });
  const all = ["--bind=/opt", "-v", "--home", "-b", "acme/widget:/w", `--bind=${BUILDS}2`];
  expect(plan.options.words).toEqual(all);
  expect(plan.trial.words).toEqual(["--bind=/opt", "-v", "--home", `--bind=${BUILDS}2`]);
  expect(plan.trial.volumes.map(({ source }) => source)).toEqual(["/scratch"]);
  expect(plan.trialWithoutUser.words).toEqual(["--bind=/opt", "-v"]);
  expect(plan.trialWithoutUser.volumes).toEqual([]);
  expect(plan.optionBinds.map(({ source, from }) => [source, from])).toEqual([
    ["/opt", "[general.charliecloud] custom_options"],
    [`${BUILDS}/acme/widget`, "JACAMAR_CI_CHARLIECLOUD_ARGS"],
    [`${BUILDS}2`, "JACAMAR_CI_CHARLIECLOUD_ARGS"],
  ]);
  expect(plan.mountPoints.map(({ target, fault }) => [target, fault]).slice(3)).toEqual([
    ["/d", "user"],
    ["/scratch", "user"],
    ["/opt", "admin"],
    ["/w", "user"],
    [`${BUILDS}2`, "user"],
  ]);
});

test("a missing program is the administrator's fault and says where it was looked for", async () => {
  for (const wanted of [{ chRun: null }, { chImage: null }]) {
    expect(await refusal(wanted)).toMatchObject({
      fault: "admin",
      from: "[general.charliecloud] application_path",
      message: expect.stringContaining("not found in PATH of the login shell"),
    });
  }
  const image = { name: "r.example/app:1", pull_policy: ["never"] };
  expect(await refusal({ chImage: null, payload: { image } })).toBeUndefined();
});

test("a bad image name is the fault of whoever wrote it", async () => {
  const choice = "docker://debian";
  expect(await refusal({ image: { ...JOB_IMAGE, choice } })).toMatchObject({ fault: "user" });
  expect(await refusal({ image: { ...SITE_IMAGE, choice }, role: "helper" })).toMatchObject({
    fault: "admin",
    from: SITE_IMAGE.from,
  });
  expect([faultOf(JOB_IMAGE), faultOf(SITE_IMAGE)]).toEqual(["user", "admin"]);
});

test("a dropped tag and ignored options are noted for the job log", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const plan = await planned({
    table: ["disable_user_args = true"],
    image: { ...JOB_IMAGE, choice: `r.example/app:1@${digest}` },
    variables: { JACAMAR_CI_CHARLIECLOUD_ARGS: "--home" },
  });
  expect(plan.reference.pull).toBe(`r.example/app@${digest}`);
  expect(plan.pullCommand).toEqual(["/usr/bin/ch-image", "pull", `r.example/app@${digest}`]);
  expect(plan.notes.join()).toMatch(/tag.*disable_user_args/);
});

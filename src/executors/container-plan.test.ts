import { expect, test } from "bun:test";
import {
  BUILDS,
  JOB_IMAGE,
  planned,
  refusal,
  SITE_IMAGE,
  STORED,
  type Wanted,
} from "../../test/fixtures/container-plan.ts";
import { containerCommand, faultOf } from "./container-plan.ts";

test("the command of the guide, with the options of the site and the user at the end", async () => {
  const plan = await planned({
    table: [
      'user_volume_variable = "V"',
      'custom_options = ["-v"]',
      'image_storage_dir = "/images"',
      ...STORED,
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

test("a mirror is asked instead of the registry, without the user's account for that", async () => {
  const table = [
    "[[general.charliecloud.mirror]]",
    'registry = "r.example"',
    'mirror = "m.example/hub"',
  ];
  const variables = { CH_IMAGE_USERNAME: "ann", CH_IMAGE_PASSWORD: "x" };
  const { target, credentials, reference } = await planned({ table, variables });
  expect(target).toEqual({ registry: "m.example", repository: "hub/app", reference: "1" });
  expect([credentials.choice, credentials.registry]).toEqual(["none", "m.example"]);
  expect(reference.canonical).toBe("r.example/app:1");
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
  for (const wanted of [{ chRun: null }, { chImage: null, table: STORED }] satisfies Wanted[]) {
    expect(await refusal(wanted)).toMatchObject({
      fault: "admin",
      from: "[general.charliecloud] application_path",
      message: expect.stringContaining("not found in PATH of the login shell"),
    });
  }
  const image = { name: "r.example/app:1", pull_policy: ["never"] };
  expect(await refusal({ chImage: null, table: STORED, payload: { image } })).toBeUndefined();
  expect(await refusal({ chImage: null })).toBeUndefined();
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

import { expect, test } from "bun:test";
import { readJob } from "../job/read-job.ts";
import { validateSettings } from "../settings/validate.ts";
import { type PlannedOptions, planOptions } from "./ch-run-options.ts";

const USER = { uid: 1000, gid: 1000, name: "ann", home: "/home/ann b" };

interface Wanted {
  /** Lines of `[general.charliecloud]`. */
  readonly table?: readonly string[];
  readonly args?: string;
  readonly role?: "step" | "helper";
}

async function verdictOf({ table = [], args, role = "step" }: Wanted) {
  const toml = [
    '[general]\nexecutor = "shell"\ndata_dir = "/d"',
    "[general.charliecloud]",
    ...table,
  ];
  const settings = await validateSettings(toml.join("\n"), "/etc/jacamar.toml");
  if (!settings.ok) throw new Error(JSON.stringify(settings.problems));
  const variables = args === undefined ? {} : { CUSTOM_ENV_JACAMAR_CI_CHARLIECLOUD_ARGS: args };
  const reading = readJob(variables, undefined);
  if (!reading.ok) throw new Error(reading.message);
  const { job } = reading;
  return planOptions({
    settings: settings.settings,
    job,
    user: USER,
    role,
    cwd: "/d/builds/p_1/000",
  });
}

async function planned(wanted: Wanted): Promise<PlannedOptions> {
  const verdict = await verdictOf(wanted);
  if (!verdict.ok) throw new Error(verdict.refusal.message);
  return verdict.value;
}

async function words(wanted: Wanted): Promise<readonly string[]> {
  return (await planned(wanted)).options.flatMap((option) => option.words);
}

async function refusal(wanted: Wanted) {
  const verdict = await verdictOf(wanted);
  return verdict.ok ? undefined : verdict.refusal;
}

test("the administrator's options come first, the user's last: later ones win", async () => {
  const table = ['custom_options = ["--set-env=A=1 -v", "--home"]'];
  const found = await planned({ table, args: "--set-env=A=2" });
  expect(found.options.map(({ words: [word], fault }) => [word, fault])).toEqual([
    ["--set-env=A=1", "admin"],
    ["-v", "admin"],
    ["--home", "admin"],
    ["--set-env=A=2", "user"],
  ]);
});

test("helper stages get runner_options and nothing of the user or of custom_options", async () => {
  const table = ['custom_options = ["-v"]', 'runner_options = ["--bind=/opt/git"]'];
  expect(await words({ table, args: "--home", role: "helper" })).toEqual(["--bind=/opt/git"]);
  expect(await words({ table, role: "step" })).toEqual(["-v"]);
});

test("disable_user_args ignores the user's options, with one line only where there are some", async () => {
  const table = ["disable_user_args = true"];
  const found = await planned({ table, args: "--home" });
  expect(found.options).toEqual([]);
  expect(found.notes).toEqual([
    "JACAMAR_CI_CHARLIECLOUD_ARGS is ignored: [general.charliecloud] disable_user_args is set",
  ]);
  for (const args of [undefined, "", " \n"]) {
    expect((await planned({ table, ...(args === undefined ? {} : { args }) })).notes).toEqual([]);
  }
  expect(await refusal({ table, args: "'" })).toBeUndefined();
});

test("$HOME, $USER and $UID of the administrator are expanded and never split, the user's not at all", async () => {
  const table = [`custom_options = ["--bind=$HOME:/h --set-env='U=\${USER}, $UID, $HOMEWORK'"]`];
  expect(await words({ table, args: "--set-env=H=$HOME" })).toEqual([
    "--bind=/home/ann b:/h",
    "--set-env=U=ann, 1000, $HOMEWORK",
    "--set-env=H=$HOME",
  ]);
});

test("words are split as a shell splits them; nothing is evaluated", async () => {
  expect(await words({ args: `--set-env='A=b c' --set-env=B="\\$x" -b /a\\ b` })).toEqual([
    "--set-env=A=b c",
    "--set-env=B=$x",
    "-b",
    "/a b",
  ]);
  expect(await words({ args: "--set-env=A=$(id)" })).toEqual(["--set-env=A=$(id)"]);
});

test("what cannot be an option is refused as the fault of its author, with the word", async () => {
  const from = "JACAMAR_CI_CHARLIECLOUD_ARGS";
  for (const [args, quote] of [
    ["--set-env='X", "'X"],
    ["--", '"--"'],
    ["--home /evil", '"/evil"'],
    ["--bind", '"--bind"'],
    ["a\\", '"a\\\\'],
  ] as const) {
    const found = await refusal({ args });
    expect(found).toMatchObject({ fault: "user", from });
    expect(found?.message).toStartWith(`${from}: `);
    expect(found?.message).toContain(quote);
  }
  const table = ['custom_options = ["-v", "/evil"]'];
  expect(await refusal({ table })).toMatchObject({
    fault: "admin",
    from: "[general.charliecloud] custom_options",
  });
  expect(await refusal({ table: ['runner_options = ["x"]'], role: "helper" })).toMatchObject({
    fault: "admin",
    from: "[general.charliecloud] runner_options",
  });
});

test("bind mounts among the options: source and target as ch-run understands them", async () => {
  for (const [args, bind] of [
    ["--bind=/a", { source: "/a", target: "/a" }],
    ["--bind=/a:/b:c", { source: "/a", target: "/b:c" }],
    ["-vb /a:/b", { source: "/a", target: "/b" }],
    // ch-run starts in the builds directory.
    ["--bind=acme/widget:/w", { source: "/d/builds/p_1/000/acme/widget", target: "/w" }],
    ["--bind=../x:/w", { source: "/d/builds/p_1/x", target: "/w" }],
    ["--bind=./:/w", { source: "/d/builds/p_1/000", target: "/w" }],
  ] as const) {
    const [option] = (await planned({ args })).options;
    expect([args, option?.bind]).toMatchObject([
      args,
      { ...bind, from: "JACAMAR_CI_CHARLIECLOUD_ARGS" },
    ]);
  }
  // ch-run itself refuses these.
  for (const args of ["--bind=", "--bind=relative", "--bind=/a:relative", "--bind=:/x", "-v"]) {
    const [option] = (await planned({ args })).options;
    expect([args, option?.bind]).toEqual([args, undefined]);
  }
});

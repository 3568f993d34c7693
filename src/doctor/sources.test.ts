/** Registries, schedulers, and what the archive leaves out. */
import { expect, test } from "bun:test";
import { schedulerNamed } from "../executors/batch/schedulers.ts";
import { inspectSettings } from "../settings/validate.ts";
import { judgeRegistry, namedRegistries, plainHost } from "./registries.ts";
import { reportText } from "./report.ts";
import { dryRun, judgeScheduler, judgeSubmission } from "./scheduler.ts";
import { secretsOf, withoutSecrets } from "./support.ts";

test("patterns of the allowlist that begin with a plain host", () => {
  for (const [pattern, host] of [
    ["registry\\.example\\.org/", "registry.example.org"],
    ["^registry.example.org:5000/group/.*", "registry.example.org:5000"],
    ["docker\\.io/library/debian$", "docker.io"],
    ["registry\\.example\\.org", "registry.example.org"],
    ["(a|b)\\.example\\.org/", undefined],
    [".*", undefined],
    ["debian:.*", undefined],
    ["library/debian", undefined],
  ] as const) {
    expect([pattern, plainHost(pattern)]).toEqual([pattern, host]);
  }
});

async function settingsOf(...lines: string[]) {
  const general = [
    "[general]",
    'executor = "shell"',
    'data_dir = "$HOME"',
    "force_mechanism = true",
  ];
  const text = [...general, 'run_mechanism = "charliecloud"', "[general.charliecloud]", ...lines];
  const { result } = await inspectSettings(text.join("\n"), "/c.toml");
  if (!result.ok) throw new Error(result.problems[0]?.message ?? "");
  return result.settings;
}

test("each registry that the configuration names is asked once, at its mirror if it has one", async () => {
  const lines = [
    'default_image = "debian:12"',
    'runner_image = "r.example.org/runner"',
    "image_allowlist = ['docker\\.io/', 'r\\.example\\.org/', 'other\\.example\\.org/']",
  ];
  const hosts = async (...more: string[]) =>
    namedRegistries(await settingsOf(...lines, ...more)).map(({ host }) => host);
  expect(await hosts()).toEqual(["r.example.org", "registry-1.docker.io", "other.example.org"]);
  const mirror = [
    "[[general.charliecloud.mirror]]",
    'registry = "docker.io"',
    'mirror = "m.example.org/hub"',
  ];
  expect(await hosts(...mirror)).toEqual(["r.example.org", "m.example.org", "other.example.org"]);
  expect(await hosts("offline = true", ...mirror)).toEqual(["m.example.org"]);
});

test("the site's default registry is asked, and is where images without a registry come from", async () => {
  const settings = await settingsOf('default_image = "debian:12"');
  const general = {
    ...settings.general,
    user_bash_env: ["CH_REGY_DEFAULT_HOST=d.example.org", "CH_REGY_DEFAULT_PORT=5000"],
  };
  expect(namedRegistries({ ...settings, general })).toEqual([
    { host: "d.example.org:5000", from: "[general] user_bash_env", needed: true },
  ]);
});

test("a registry that is only allowed need not answer, but must not be untrusted", () => {
  const judge = (failure: "unreachable" | "untrusted", needed: boolean) =>
    judgeRegistry({ host: "r", from: "k", needed }, { ok: false, failure, said: "no" }).state;
  expect([
    judge("unreachable", false),
    judge("unreachable", true),
    judge("untrusted", false),
  ]).toEqual(["warn", "fail", "fail"]);
  expect(
    judgeRegistry({ host: "r", from: "k", needed: true }, { ok: true, value: { login: "basic" } })
      .seen,
  ).toBe("r answers, wants a login (basic)");
});

test("a submission as a question: before the script, and only where the scheduler knows one", () => {
  const submission = {
    name: "cix",
    words: ["-A", "x"],
    directory: "/d",
    output: "/o",
    wrapper: "/w",
    version: "23.11",
  };
  const of = (name: string) => {
    const scheduler = schedulerNamed(name);
    return scheduler && dryRun(scheduler, submission)?.argv;
  };
  expect(of("slurm")?.slice(0, 3)).toEqual(["sbatch", "-A", "x"]);
  expect(of("slurm")?.slice(-2)).toEqual(["--test-only", "/w"]);
  expect(of("flux")?.slice(-2)).toEqual(["--dry-run", "/w"]);
  expect([of("pbs"), of("lsf")]).toEqual([undefined, undefined]);
  expect([
    judgeSubmission("Slurm", 0, "").state,
    judgeSubmission("Slurm", 1, "no").state,
    judgeSubmission("Slurm", undefined, "").state,
  ]).toEqual(["ok", "warn", "warn"]);
  const answer = { title: "Slurm", version: "23.11", program: "/b/sbatch", said: "down" };
  expect([
    judgeScheduler({ ...answer, answers: true }).state,
    judgeScheduler({ ...answer, answers: false }).state,
  ]).toEqual(["ok", "fail"]);
});

test("the archive's configuration shows no value that may be a secret", async () => {
  const text = [
    "[general]",
    'executor = "shell"',
    'data_dir = "$HOME"',
    'user_bash_env = ["A=hidden1", "B=x=hidden2"]',
    'job_message = "see https://me:hidden3@site.example/"',
    'unknown_thing = "hidden4"',
    "[general.charliecloud]",
    'custom_options = ["--bind=/a:/b", "--set-env=K=hidden5", "--set-env", "L=hidden6"]',
    "[batch]",
    'default_args = ["--account=ci"]',
    'env_vars = ["C=hidden7"]',
  ];
  const { tables } = await inspectSettings(text.join("\n"), "/c.toml");
  const shown = withoutSecrets(tables);
  expect(JSON.stringify(shown)).not.toContain("hidden");
  expect(shown).toMatchObject({
    "[general]": { data_dir: "$HOME", user_bash_env: ["A=[removed]", "B=[removed]"] },
    "[general.charliecloud]": {
      custom_options: ["--bind=/a:/b", "--set-env=K=[removed]", "--set-env", "[removed]"],
    },
    "[batch]": { default_args: ["--account=ci"] },
  });
  const secrets = secretsOf(tables, { MY_TOKEN: "hidden8", LANG: "C" }).join(" ");
  for (const number of [1, 2, 3, 5, 6, 7, 8]) expect(secrets).toContain(`hidden${number}`);
  expect(secrets).not.toContain("$HOME");
});

test("the report for people: one line for what is well, three for what is not", () => {
  const text = { id: "a", meaning: "", fix: "" };
  const report = {
    version: 1,
    jacamar: "0",
    host: "h",
    user: { name: "u", uid: 7 },
    configuration: null,
    findings: [
      { ...text, title: "one", state: "ok", seen: "fine" },
      {
        id: "b",
        title: "second",
        state: "warn",
        seen: "a\u001b[31mb",
        meaning: "slow",
        fix: "mend",
      },
    ],
  } as const;
  expect(reportText(report, false).split("\n")).toEqual([
    "ok    one     fine",
    "warn  second  a\\u001b[31mb",
    "      jobs: slow",
    "      fix:  mend",
    "2 probes as u on h: 1 ok, 1 warn, 0 fail",
  ]);
  expect(reportText(report, true)).toContain("\u001b[33mwarn\u001b[0m");
});

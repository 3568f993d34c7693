import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { newerChRun } from "../fixtures/ch-run.ts";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { makeSite, type Site, type SiteOptions } from "./site.ts";
import { pushTestImages, type TestImages } from "./test-images.ts";

let dir = "";
let registry: Registry;
let images: TestImages;
const sites: Site[] = [];

beforeAll(async () => {
  dir = mkdtempSync("/var/tmp/jacamar-images-");
  registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
  images = pushTestImages(registry, dir);
});
afterAll(async () => {
  for (const site of sites) site.close();
  await registry.stop();
  rmSync(dir, { recursive: true });
});

function site(options: SiteOptions = {}): Site {
  const made = makeSite({
    charliecloud: [],
    ...options,
    general: [
      `user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`,
      ...(options.general ?? []),
    ],
  });
  sites.push(made);
  return made;
}

const job = (name: string, more = {}) => ({
  id: 500,
  name: "in container",
  image: { name },
  script: ["cat /etc/os-release", "echo running=$CH_RUNNING"],
  ...more,
});

/** The image that the tests run the same job in, on Debian 12's ch-run and on newer ones. */
for (const suite of ["installed", "trixie", "forky"] as const) {
  test(`a job runs in its image with the ${suite} ch-run`, async () => {
    const application =
      suite === "installed"
        ? []
        : [`application_path = "${newerChRun(`${dir}/${suite}`, suite).path}"`];
    const here = site({ charliecloud: application });
    const script = [
      "cat /etc/os-release",
      "env",
      "pwd",
      'touch "$HOME/writable" && echo home=$HOME',
      "echo data > artifact.txt",
      "exit 9",
    ];
    const result = await here.runner().run(
      job(images.tiny, {
        script,
        afterScript: ["cat artifact.txt; whoami; grep Tiny /etc/os-release"],
      }),
    );
    expect([result.failureReason, result.exitCode]).toEqual(["script_failure", 9]);
    expect(result.log).toContain('PRETTY_NAME="Tiny test image"');
    expect(result.log).toContain("CH_RUNNING=");
    expect(result.log).toContain("FOO=bar");
    expect(result.log).toMatch(/^CI_JOB_ID=500$/m);
    expect(result.log).not.toMatch(
      /^(CH_IMAGE_\w+|JACAMAR\w*|CUSTOM_ENV_\w+|TMPDIR|REQUESTS_CA_BUNDLE|CI_SERVER_TOKEN)=/m,
    );
    expect(result.log).toContain(`home=${here.dataDir}/scripts/widget_31/000/home`);
    const command = /^.*ch-run .* -- .*build_script\.bash$/m.exec(result.log)?.[0] ?? "";
    expect(command).toContain(
      `--bind=${here.dataDir}/builds/widget_31/000 --bind=${here.dataDir}/cache/widget_31 --bind=${here.dataDir}/scripts/widget_31/000`,
    );
    expect(command.includes("--write-fake")).toBe(suite !== "installed");
    expect(result.log.match(/PRETTY_NAME="Tiny test image"/g)?.length).toBe(2);
    expect(existsSync(`${here.dataDir}/scripts/widget_31/000`)).toBe(false);
    expect(
      readdirSync(`${here.images}/${(await Bun.$`id -un`.text()).trim()}.ch.jacamar/in-use`),
    ).toEqual([]);
  });
}

test("which stages run in the image: user scripts do, the runner's own do not; step_script_only narrows it", async () => {
  const here = site();
  const wanted = job(images.tiny, {
    script: ["echo script=$CH_RUNNING."],
    afterScript: ["echo after=$CH_RUNNING."],
  });
  const both = await here.runner().run(wanted);
  expect(both.log).toMatch(/^script=.+\.$/m);
  expect(both.log).toMatch(/^after=.+\.$/m);
  expect(both.log.match(/ch-run .* -- /g)?.length).toBe(2);
  const narrow = site({ charliecloud: ["step_script_only = true"] });
  const only = await narrow.runner().run(wanted);
  expect(only.log).toMatch(/^script=.+\.$/m);
  expect(only.log).toMatch(/^after=\.$/m);
});

test("without run_mechanism an image is ignored, and the log says so", async () => {
  const host = makeSite();
  const result = await host
    .runner()
    .run(job(images.tiny, { script: ["echo running=$CH_RUNNING."] }));
  expect(result.status).toBe("success");
  expect(result.log).toMatch(/^running=\.$/m);
  expect(result.log).toContain("run_mechanism");
  host.close();
});

test("force_mechanism: default_image serves jobs without an image; without one the user is told", async () => {
  const forced = site({ general: ["force_mechanism = true"] });
  const refused = await forced.runner().run({ id: 1, name: "x", script: ["true"] });
  expect([refused.failureReason, refused.attempts]).toEqual(["script_failure", 1]);
  expect(refused.log).toContain("set `image:` in the job");
  forced.configure({
    general: [
      "force_mechanism = true",
      `user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`,
    ],
    charliecloud: [`default_image = "${images.tiny}"`, 'image_allowlist = ["nothing"]'],
  });
  const served = await forced
    .runner()
    .run({ id: 2, name: "x", script: ["grep Tiny /etc/os-release"] });
  expect(served.status).toBe("success");
});

test("runner_image: helper stages run in it; one that lacks a program is named in prepare", async () => {
  const here = site({
    charliecloud: [
      `runner_image = "${images.helper}"`,
      `runner_options = ["--bind=$HOME:/mnt/0"]`,
      'runner_pull_policy = "if-not-present"',
    ],
  });
  const result = await here.runner().run(job(images.tiny));
  expect(result.status).toBe("success");
  expect(result.log).toMatch(
    /ch-run .*--bind=\S+\/home:\/mnt\/0 .*helper.* -- .*prepare_script\.bash/,
  );
  const bare = site({ charliecloud: [`runner_image = "${images.tiny}"`] });
  const failed = await bare.runner().run(job(images.tiny));
  expect(failed.failureReason).toBe("runner_system_failure");
  expect(failed.log).toContain(`runner_image = "${images.tiny}" has no git, no gitlab-runner`);
});

test("an image without bash runs with its sh, and prepare says what to do; one without a shell is refused", async () => {
  const here = site();
  const shOnly = await here
    .runner()
    .run(job(images.noBash, { script: ["echo shell-$0", "exit 6"] }));
  expect([shOnly.failureReason, shOnly.exitCode]).toEqual(["script_failure", 6]);
  expect(shOnly.log).toContain("has no bash");
  expect(shOnly.log).toContain("apk add bash");
  const none = await here.runner().run(job(images.noShell));
  expect([none.failureReason, none.attempts]).toEqual(["script_failure", 1]);
  expect(none.log).toContain("cannot run /bin/sh");
});

test("user volumes, in numeric order, with and without a target, on a read-only image without the mount points", async () => {
  const here = site({ charliecloud: ['user_volume_variable = "CH_VOLUMES"'] });
  for (const name of ["a b", "c"]) {
    mkdirSync(`${here.dir}/${name}`);
    writeFileSync(`${here.dir}/${name}/file`, `content of ${name}\n`);
  }
  const variables = [
    { key: "CH_VOLUMES_10", value: `${here.dir}/c:/deep/down/c` },
    { key: "CH_VOLUMES_2", value: `${here.dir}/a b` },
  ];
  const result = await here
    .runner()
    .run(job(images.tiny, { variables, script: [`cat '${here.dir}/a b/file' /deep/down/c/file`] }));
  expect(result.status).toBe("success");
  expect(result.log).toContain("content of a b\ncontent of c");
  expect(result.log).toMatch(/'--bind=[^']*\/a b' --bind=\S+\/c:\/deep\/down\/c /);
  const bad = [
    [`${here.dir}/nowhere`, "does not exist"],
    [`${here.dir}/a:b:c`, "first colon"],
    ["relative", "CH_VOLUMES_0"],
  ] as const;
  for (const [value, message] of bad) {
    const refused = await here
      .runner()
      .run(job(images.tiny, { variables: [{ key: "CH_VOLUMES_0", value }] }));
    expect([refused.failureReason, refused.attempts]).toEqual(["script_failure", 1]);
    expect(refused.log).toContain(message);
  }
});

test("JACAMAR_CI_CHARLIECLOUD_ARGS: words as a shell splits them, refused words, the switch to ignore them", async () => {
  const here = site({ charliecloud: ["custom_options = [\"--set-env=FROM_ADMIN='of $USER'\"]"] });
  const withArguments = (value: string, more = {}) =>
    job(images.tiny, {
      variables: [{ key: "JACAMAR_CI_CHARLIECLOUD_ARGS", value, raw: true }],
      script: ['echo "[$MINE] [$FROM_ADMIN]"'],
      ...more,
    });
  const good = await here.runner().run(withArguments(`--set-env='MINE=two words; $(id)'`));
  expect(good.status).toBe("success");
  expect(good.log).toMatch(/^\[two words; \$\(id\)\] \[of \w+\]$/m);
  for (const [value, quoted] of [
    ["--set-env='X", "'X"],
    ["--", '"--"'],
    ["--home /evil", '"/evil"'],
    ["--bind", '"--bind"'],
    ["--bind=/nonexistent-source", "/nonexistent-source"],
  ] as const) {
    const refused = await here.runner().run(withArguments(value));
    expect([value, refused.failureReason, refused.attempts]).toEqual([value, "script_failure", 1]);
    expect(refused.log).toContain("JACAMAR_CI_CHARLIECLOUD_ARGS");
    expect(refused.log).toContain(quoted);
  }
  const deaf = site({ charliecloud: ["disable_user_args = true"] });
  const ignored = await deaf.runner().run(withArguments("--set-env=MINE=1"));
  expect(ignored.log).toMatch(/^\[\] \[\]$/m);
  expect(ignored.log).toContain("disable_user_args");
});

test("image_environment = false leaves the image's ENV out", async () => {
  const here = site({ charliecloud: ["image_environment = false"] });
  const result = await here.runner().run(job(images.tiny, { script: ['echo "foo=[$FOO]"'] }));
  expect(result.log).toContain("foo=[]");
});

test("prep_script runs before everything of Charliecloud, as the user, inline or as a file", async () => {
  const here = site({
    charliecloud: [`prep_script = 'mkdir -p "$HOME/prepared"; echo preparing as $USER'`],
  });
  const inline = await here.runner().run(job(images.tiny));
  expect(inline.status).toBe("success");
  expect(existsSync(`${here.home}/prepared`)).toBe(true);
  expect(inline.log.indexOf("preparing as")).toBeLessThan(inline.log.indexOf("pulling image"));
  writeFileSync(`${here.dir}/prep.sh`, "#!/bin/sh\necho from-file; exit 3\n", { mode: 0o755 });
  here.configure({ charliecloud: [`prep_script = "${here.dir}/prep.sh"`] });
  const file = await here.runner().run(job(images.tiny));
  expect(file.failureReason).toBe("runner_system_failure");
  expect(file.log).toContain("from-file");
  expect(file.log).toContain("ended with status 3");
});

test("pull policies: never, if-not-present, a list, and a word that does not exist", async () => {
  const here = site();
  const withPolicy = (...pullPolicy: string[]) =>
    ({ ...job(images.tiny), image: { name: images.tiny, pullPolicy } }) as never;
  const never = await here.runner().run(withPolicy("never"));
  expect([never.failureReason, never.attempts]).toEqual(["script_failure", 1]);
  expect(never.log).toContain('pull policy "never"');
  const first = await here.runner().run(withPolicy("if-not-present"));
  expect(first.log).toContain("pulling image");
  const second = await here.runner().run(withPolicy("if-not-present"));
  expect([second.status, second.log.includes("pulling image")]).toEqual(["success", false]);
  const wrong = await here.runner().run(withPolicy("sometimes"));
  expect([wrong.failureReason, wrong.attempts]).toEqual(["script_failure", 1]);
  expect(wrong.log).toContain("sometimes");
});

test("a half-pulled image is pulled again, never used", async () => {
  const here = site();
  const wanted = {
    ...job(images.tiny),
    image: { name: images.tiny, pullPolicy: ["if-not-present"] },
  } as never;
  await here.runner().run(wanted);
  const storage = `${here.images}/${readdirSync(here.images).find((name) => name.endsWith(".ch"))}`;
  const image = `${storage}/img/${readdirSync(`${storage}/img`)[0]}`;
  rmSync(`${image}/ch/metadata.json`);
  rmSync(`${image}/etc/os-release`);
  const result = await here.runner().run(wanted);
  expect(result.status).toBe("success");
  expect(result.log).toContain("pulling image");
});

test("eight cold jobs at once of one user with one image all pass", async () => {
  const here = site();
  const jobs = Array.from({ length: 8 }, (_, i) =>
    here.runner({ concurrentId: i }).run({ ...job(images.tiny), id: 600 + i }),
  );
  const results = await Promise.all(jobs);
  expect(results.map((result) => [result.status, result.attempts])).toEqual(
    Array(8).fill(["success", 1]),
  );
  expect(
    results.some((result) =>
      /Waiting for the image storage .* in use by job 60\d on /.test(result.log),
    ),
  ).toBe(true);
});

test("a data_dir under $HOME, with a space, and one elsewhere", async () => {
  const here = site();
  for (const dataDir of ["$HOME", `${here.dir}/with space`]) {
    here.configure({
      dataDir,
      charliecloud: [],
      general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`],
    });
    const result = await here.runner().run(job(images.tiny, { script: ["pwd"] }));
    const root = dataDir.replace("$HOME", `${here.home}/.jacamar-ci`);
    expect([result.status, result.buildsDir]).toEqual(["success", `${root}/builds/widget_31/000`]);
    expect(result.log).toContain(`${root}/builds/widget_31/000/acme/widget`);
  }
});

test("ch-run's own failure is not taken for the script's exit 1", async () => {
  const here = site();
  const result = await here.runner().run(job(images.tiny), {
    beforeStage: (stage) => {
      if (stage !== "build_script") return;
      const storage = `${here.images}/${readdirSync(here.images).find((name) => name.endsWith(".ch"))}`;
      rmSync(`${storage}/img`, { recursive: true });
    },
  });
  expect([result.failureReason, result.exitCode]).toEqual(["runner_system_failure", undefined]);
  expect(result.log).toContain("ch-run could not start the script");
});

test("a pull that is cancelled ends ch-image and leaves a storage that works", async () => {
  const here = site();
  const cut = await here
    .runner()
    .run(job(images.tiny), { cancelDuring: { stage: "prepare", onText: "pulling image" } });
  expect(cut.status).toBe("canceled");
  expect(cut.hooks.find((hook) => hook.hook === "prepare")?.code).toBe(2);
  const next = await here.runner().run(job(images.tiny));
  expect(next.status).toBe("success");
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { newerChRun } from "../fixtures/ch-run.ts";
import {
  type ContainerTests,
  cacheOf,
  containerJob,
  startContainerTests,
} from "./container-site.ts";
import { makeSite } from "./site.ts";

let tests: ContainerTests;
beforeAll(async () => {
  tests = await startContainerTests();
});
afterAll(() => tests.close());

/** The image that the tests run the same job in, on Debian 12's ch-run and on newer ones. */
for (const suite of ["installed", "trixie", "forky"] as const) {
  test(`a job runs in its image with the ${suite} ch-run`, async () => {
    const application =
      suite === "installed"
        ? []
        : [`application_path = "${newerChRun(`${tests.dir}/${suite}`, suite).path}"`];
    const here = tests.site({ charliecloud: application });
    const script = [
      "cat /etc/os-release",
      "env",
      "pwd",
      'touch "$HOME/writable" && echo home=$HOME',
      "echo data > artifact.txt",
      "exit 9",
    ];
    const result = await here.runner().run(
      containerJob(tests.images.tiny, {
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
    expect(readdirSync(`${cacheOf(here)}/in-use`)).toEqual([]);
    expect(readdirSync(`${cacheOf(here)}/tmp`)).toEqual([]);
  });
}

test("which stages run in the image: user scripts do, the runner's own do not; step_script_only narrows it", async () => {
  const here = tests.site();
  const wanted = containerJob(tests.images.tiny, {
    script: ["echo script=$CH_RUNNING."],
    afterScript: ["echo after=$CH_RUNNING."],
  });
  const both = await here.runner().run(wanted);
  expect(both.log).toMatch(/^script=.+\.$/m);
  expect(both.log).toMatch(/^after=.+\.$/m);
  expect(both.log.match(/ch-run .* -- /g)?.length).toBe(2);
  const narrow = tests.site({ charliecloud: ["step_script_only = true"] });
  const only = await narrow.runner().run(wanted);
  expect(only.log).toMatch(/^script=.+\.$/m);
  expect(only.log).toMatch(/^after=\.$/m);
});

test("without run_mechanism an image is ignored, and the log says so", async () => {
  const host = makeSite();
  const result = await host
    .runner()
    .run(containerJob(tests.images.tiny, { script: ["echo running=$CH_RUNNING."] }));
  expect(result.status).toBe("success");
  expect(result.log).toMatch(/^running=\.$/m);
  expect(result.log).toContain("run_mechanism");
  host.close();
});

test("force_mechanism: default_image serves jobs without an image; without one the user is told", async () => {
  const forced = tests.site({ general: ["force_mechanism = true"] });
  const refused = await forced.runner().run({ id: 1, name: "x", script: ["true"] });
  expect([refused.failureReason, refused.attempts]).toEqual(["script_failure", 1]);
  expect(refused.log).toContain("set `image:` in the job");
  forced.configure({
    general: ["force_mechanism = true", `user_bash_env = ["REQUESTS_CA_BUNDLE=${tests.caFile}"]`],
    charliecloud: [`default_image = "${tests.images.tiny}"`, 'image_allowlist = ["nothing"]'],
  });
  const served = await forced
    .runner()
    .run({ id: 2, name: "x", script: ["grep Tiny /etc/os-release"] });
  expect(served.status).toBe("success");
});

test("an image without bash runs with its sh, and prepare says what to do; one without a shell is refused", async () => {
  const here = tests.site();
  const shOnly = await here
    .runner()
    .run(containerJob(tests.images.noBash, { script: ["echo shell-$0", "exit 6"] }));
  expect([shOnly.failureReason, shOnly.exitCode]).toEqual(["script_failure", 6]);
  expect(shOnly.log).toContain("has no bash");
  expect(shOnly.log).toContain("apk add bash");
  const none = await here.runner().run(containerJob(tests.images.noShell));
  expect([none.failureReason, none.attempts]).toEqual(["script_failure", 1]);
  expect(none.log).toContain("cannot run /bin/sh");
});

test("pull policies: never, if-not-present, a list, and a word that does not exist", async () => {
  const here = tests.site();
  const withPolicy = (...pullPolicy: string[]) =>
    ({
      ...containerJob(tests.images.tiny),
      image: { name: tests.images.tiny, pullPolicy },
    }) as never;
  const never = await here.runner().run(withPolicy("never"));
  expect([never.failureReason, never.attempts]).toEqual(["script_failure", 1]);
  expect(never.log).toContain('pull policy "never"');
  const first = await here.runner().run(withPolicy("if-not-present"));
  expect(first.log).toContain("pulled by builtin");
  const second = await here.runner().run(withPolicy("if-not-present"));
  expect(second.status).toBe("success");
  expect(second.log).toMatch(/from the image cache in .* \(pull policy "if-not-present", resolved/);
  const third = await here.runner().run(withPolicy("never"));
  expect([third.status, third.log.includes("from the image cache")]).toEqual(["success", true]);
  const wrong = await here.runner().run(withPolicy("sometimes"));
  expect([wrong.failureReason, wrong.attempts]).toEqual(["script_failure", 1]);
  expect(wrong.log).toContain("sometimes");
});

test("an entry that was damaged on disk is made again, never used", async () => {
  const here = tests.site();
  const wanted = containerJob(tests.images.tiny);
  await here.runner().run(wanted);
  const [entry = ""] = readdirSync(`${cacheOf(here)}/entries`);
  truncateSync(`${cacheOf(here)}/entries/${entry}/image.sqfs`, 1_000_000);
  const result = await here.runner().run(wanted);
  expect(result.status).toBe("success");
  expect(result.log).toContain("is damaged and made again");
});

test("eight cold jobs at once of one user with one image all pass", async () => {
  const here = tests.site();
  const jobs = Array.from({ length: 8 }, (_, i) =>
    here.runner({ concurrentId: i }).run({ ...containerJob(tests.images.tiny), id: 600 + i }),
  );
  const results = await Promise.all(jobs);
  expect(results.map((result) => [result.status, result.attempts])).toEqual(
    Array(8).fill(["success", 1]),
  );
  expect(results.filter((result) => result.log.includes("pulled by builtin")).length).toBe(1);
});

test("a data_dir under $HOME, with a space, and one elsewhere", async () => {
  const here = tests.site();
  for (const dataDir of ["$HOME", `${here.dir}/with space`]) {
    here.configure({
      dataDir,
      charliecloud: [],
      general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${tests.caFile}"]`],
    });
    const result = await here.runner().run(containerJob(tests.images.tiny, { script: ["pwd"] }));
    const root = dataDir.replace("$HOME", `${here.home}/.jacamar-ci`);
    expect([result.status, result.buildsDir]).toEqual(["success", `${root}/builds/widget_31/000`]);
    expect(result.log).toContain(`${root}/builds/widget_31/000/acme/widget`);
  }
});

test("ch-run's own failure is not taken for the script's exit 1", async () => {
  const here = tests.site();
  const result = await here.runner().run(containerJob(tests.images.tiny), {
    beforeStage: (stage) => {
      if (stage !== "build_script") return;
      rmSync(`${cacheOf(here)}/entries`, { recursive: true });
    },
  });
  expect([result.failureReason, result.exitCode]).toEqual(["runner_system_failure", undefined]);
  expect(result.log).toContain("ch-run could not start the script");
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { type ContainerTests, containerJob, startContainerTests } from "./container-site.ts";

let tests: ContainerTests;
beforeAll(async () => {
  tests = await startContainerTests();
});
afterAll(() => tests.close());

test("runner_image: helper stages run in it; one that lacks a program is named in prepare", async () => {
  const here = tests.site({
    charliecloud: [
      `runner_image = "${tests.images.helper}"`,
      `runner_options = ["--bind=$HOME:/mnt/0"]`,
      'runner_pull_policy = "if-not-present"',
    ],
  });
  const result = await here.runner().run(containerJob(tests.images.tiny));
  expect(result.status).toBe("success");
  expect(result.log).toMatch(/ci\/helper.* pulled by builtin/);
  expect(result.log).toMatch(
    /ch-run .*--bind=\S+\/home:\/mnt\/0 .*image\.sqfs -- .*prepare_script\.bash/,
  );
  const bare = tests.site({ charliecloud: [`runner_image = "${tests.images.tiny}"`] });
  const failed = await bare.runner().run(containerJob(tests.images.tiny));
  expect(failed.failureReason).toBe("runner_system_failure");
  expect(failed.log).toContain(
    `runner_image = "${tests.images.tiny}" has no git, no gitlab-runner`,
  );
});

test("user volumes, in numeric order, with and without a target, on a read-only image without the mount points", async () => {
  const here = tests.site({ charliecloud: ['user_volume_variable = "CH_VOLUMES"'] });
  for (const name of ["a b", "c"]) {
    mkdirSync(`${here.dir}/${name}`);
    writeFileSync(`${here.dir}/${name}/file`, `content of ${name}\n`);
  }
  const variables = [
    { key: "CH_VOLUMES_10", value: `${here.dir}/c:/deep/down/c` },
    { key: "CH_VOLUMES_2", value: `${here.dir}/a b` },
  ];
  const result = await here.runner().run(
    containerJob(tests.images.tiny, {
      variables,
      script: [`cat '${here.dir}/a b/file' /deep/down/c/file`],
    }),
  );
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
      .run(containerJob(tests.images.tiny, { variables: [{ key: "CH_VOLUMES_0", value }] }));
    expect([refused.failureReason, refused.attempts]).toEqual(["script_failure", 1]);
    expect(refused.log).toContain(message);
  }
});

test("JACAMAR_CI_CHARLIECLOUD_ARGS: words as a shell splits them, refused words, the switch to ignore them", async () => {
  const here = tests.site({
    charliecloud: ["custom_options = [\"--set-env=FROM_ADMIN='of $USER'\"]"],
  });
  const withArguments = (value: string, more = {}) =>
    containerJob(tests.images.tiny, {
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
  const deaf = tests.site({ charliecloud: ["disable_user_args = true"] });
  const ignored = await deaf.runner().run(withArguments("--set-env=MINE=1"));
  expect(ignored.log).toMatch(/^\[\] \[\]$/m);
  expect(ignored.log).toContain("disable_user_args");
});

test("image_environment = false leaves the image's ENV out", async () => {
  const here = tests.site({ charliecloud: ["image_environment = false"] });
  const result = await here
    .runner()
    .run(containerJob(tests.images.tiny, { script: ['echo "foo=[$FOO]"'] }));
  expect(result.log).toContain("foo=[]");
});

test("prep_script runs before everything of Charliecloud, as the user, inline or as a file", async () => {
  const here = tests.site({
    charliecloud: [`prep_script = 'mkdir -p "$HOME/prepared"; echo preparing as $USER'`],
  });
  const inline = await here.runner().run(containerJob(tests.images.tiny));
  expect(inline.status).toBe("success");
  expect(existsSync(`${here.home}/prepared`)).toBe(true);
  expect(inline.log.indexOf("preparing as")).toBeLessThan(inline.log.indexOf("pulled by"));
  writeFileSync(`${here.dir}/prep.sh`, "#!/bin/sh\necho from-file; exit 3\n", { mode: 0o755 });
  here.configure({ charliecloud: [`prep_script = "${here.dir}/prep.sh"`] });
  const file = await here.runner().run(containerJob(tests.images.tiny));
  expect(file.failureReason).toBe("runner_system_failure");
  expect(file.log).toContain("from-file");
  expect(file.log).toContain("ended with status 3");
});

import { expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { binaryPath } from "../binary.ts";
import { makeSite } from "./site.ts";

function explain(
  site: { configuration: string; home: string; path: string },
  words: readonly string[],
) {
  const command = [binaryPath(), "--no-auth", "--explain", "--configuration", site.configuration];
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command, ...words], {
    env: { HOME: site.home, PATH: site.path },
    cwd: "/",
  });
  return { text: stdout.toString(), errors: stderr.toString(), exitCode };
}

test("the plan that --explain prints is what the hooks do: the same commands", async () => {
  const site = makeSite({ charliecloud: ['user_volume_variable = "CH_VOLUMES"'] });
  const variables = [
    { key: "CH_VOLUMES_0", value: site.home },
    { key: "JACAMAR_CI_CHARLIECLOUD_ARGS", value: "--set-env='A=b c'" },
  ];
  let payload = "";
  await site.runner().run(
    { id: 77, name: "x", image: { name: "127.0.0.1:9/ci/tiny:1" }, variables, script: ["true"] },
    {
      beforeStage: async (stage, { temporaryDirectory }) => {
        if (stage === "prepare")
          payload = await Bun.file(`${temporaryDirectory}/response.json`).text();
      },
    },
  );
  writeFileSync(`${site.dir}/payload.json`, payload);
  const given = variables.flatMap(({ key, value }) => ["--variable", `${key}=${value}`]);
  const { text, exitCode } = explain(site, [
    "--job-response",
    `${site.dir}/payload.json`,
    ...given,
    "--stage",
    "build_script",
  ]);
  const user = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();
  expect(exitCode).toBe(0);
  expect(text).toContain("Plan for job 77");
  expect(text).toContain(
    `--bind=${site.home} '--set-env=A=b c' ${site.images}/${user}.images/v1/entries/DIGEST/image.sqfs -- ${site.dataDir}/scripts/widget_31/000/build_script.bash`,
  );
  site.close();
});

test("nothing is made, pulled or run", () => {
  const site = makeSite({ charliecloud: [`prep_script = "touch $HOME/prepared"`] });
  const before = readdirSync(site.dir).sort();
  const { exitCode } = explain(site, ["--image", "127.0.0.1:9/ci/tiny:1"]);
  expect(exitCode).toBe(0);
  expect(readdirSync(site.dir).sort()).toEqual(before);
  expect(existsSync(`${site.home}/prepared`)).toBe(false);
  expect(readdirSync(site.images)).toEqual([]);
  site.close();
});

test("a refused job is a plan with the refusal in it, and status 0; passwords never appear", () => {
  const site = makeSite({ charliecloud: ['image_allowlist = ["registry.good/"]'] });
  const account = [
    "--variable",
    "CH_IMAGE_USERNAME=me",
    "--variable",
    "CH_IMAGE_PASSWORD=hidden-password",
  ];
  for (const format of [[], ["--json"]]) {
    const { text, errors, exitCode } = explain(site, [
      "--image",
      "evil.example/registry.good/x",
      ...account,
      ...format,
    ]);
    expect(exitCode).toBe(0);
    expect(text).toContain("image_allowlist");
    expect(`${text}${errors}`).not.toContain("hidden-password");
  }
  site.close();
});

test("known upstream keys without effect are listed; a configuration with mistakes gives all of them and status 2", () => {
  const site = makeSite({ general: ['jwt_env_variable = "SITE_ID_TOKEN"'] });
  expect(explain(site, []).text).toContain("general.jwt_env_variable");
  writeFileSync(site.configuration, "[general]\nexectuor = 1\n[typo]\n");
  const { errors, exitCode } = explain(site, []);
  expect(exitCode).toBe(2);
  expect(errors.trim().split("\n").length).toBeGreaterThan(2);
  site.close();
});

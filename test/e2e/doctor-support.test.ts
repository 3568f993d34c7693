/** Registries, and the archive for a bug report. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mustRun } from "../fixtures/must-run.ts";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { type DoctorSite, makeDoctorSite } from "./doctor-site.ts";

let site: DoctorSite;
let registry: Registry;
beforeAll(async () => {
  site = makeDoctorSite("doctor-support");
  registry = await startRegistry({ dir: `${site.dir}/registry`, auth: "token" });
});
afterAll(async () => {
  await registry.stop();
  site.remove();
});

const GENERAL = ["[general]", 'executor = "shell"', 'data_dir = "$HOME"'];

function withRegistry(name: string, ...general: string[]): string {
  const host = registry.host.replaceAll(".", "\\.");
  return site.configure(
    name,
    ...[...GENERAL, 'run_mechanism = "charliecloud"', ...general],
    ...["[general.charliecloud]", `image_allowlist = ['${host}/group/']`],
  );
}

test("a registry whose certificate nobody here trusts, and the key that mends it", async () => {
  const first = await site.doctor(["--configuration", withRegistry("untrusted.toml")]);
  expect(first.finding("registries").state).toBe("fail");
  expect(first.finding("registries").seen).toContain(
    `the TLS certificate of ${registry.host} is not trusted`,
  );
  expect(first.finding("registries").fix).toContain("REQUESTS_CA_BUNDLE=FILE");
  const bundle = `user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`;
  const mended = await site.doctor(["--configuration", withRegistry("trusted.toml", bundle)]);
  expect(mended.finding("registries")).toMatchObject({
    state: "ok",
    seen: `${registry.host} answers, wants a login (token)`,
  });
});

test("the archive has what a report needs, and no secret", () => {
  site.profile('export SITE_TOKEN=planted-5\necho "the token is $SITE_TOKEN"\n');
  const configuration = site.configure(
    "secrets.toml",
    ...[...GENERAL, 'run_mechanism = "charliecloud"'],
    'user_bash_env = ["API=planted-1", "https_proxy=http://me:planted-2@127.0.0.1:9"]',
    'jwt_env_variable = "planted-3"',
    ...["[general.charliecloud]", 'custom_options = ["--set-env=K=planted-4"]'],
  );
  const file = `${site.dir}/support.tar.gz`;
  const command = [site.program, "doctor", "--configuration", configuration, "--support", file];
  const env = { HOME: site.home, PATH: "/usr/bin:/bin" };
  const { stdout } = Bun.spawnSync(command, { env });
  expect(statSync(file).mode & 0o7777).toBe(0o600);
  mkdirSync(`${site.dir}/unpacked`);
  mustRun(["tar", "-xzf", file, "-C", `${site.dir}/unpacked`]);
  const folder = `${site.dir}/unpacked/jacamar-support`;
  const names = ["configuration.json", "doctor.json", "explain.json", "versions.txt"];
  expect(readdirSync(folder).sort()).toEqual(names);
  for (const name of names) {
    expect(stdout.toString()).toContain(`  jacamar-support/${name} (`);
    expect(readFileSync(`${folder}/${name}`, "utf8")).not.toContain("planted");
  }
  const read = (name: string) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
  expect(read("configuration.json")["[general]"]).toMatchObject({
    executor: "shell",
    user_bash_env: ["API=[removed]", "https_proxy=[removed]"],
  });
  expect(read("doctor.json").findings).toHaveLength(22);
  expect(read("explain.json").plan.version).toBe(1);
  const again = Bun.spawnSync(command, { env });
  expect(again.exitCode).toBe(2);
  expect(again.stderr.toString()).toContain("exists already");
});

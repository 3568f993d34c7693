import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tinyRoot } from "../fixtures/images.ts";
import { type Registry, startRegistry, TESTER } from "../fixtures/registry.ts";
import { type OrdinaryUser, ordinaryUser } from "../fixtures/users.ts";
import { makeTrySite, type TrySite } from "./try-site.ts";

let dir = "";
let registry: Registry;
let image = "";
let user: OrdinaryUser;
let site: TrySite;
let configuration = "";

beforeAll(async () => {
  dir = mkdtempSync("/var/tmp/jacamar-try-image-");
  chmodSync(dir, 0o755);
  user = ordinaryUser(dir);
  registry = await startRegistry({ dir: `${dir}/registry`, auth: "basic" });
  image = registry.push("ci/tiny", tinyRoot(`${dir}/root`), { env: { FOO: "bar" } });
  site = makeTrySite(user);
  mkdirSync(`${site.home}/images`);
  chownSync(`${site.home}/images`, user.uid, user.gid);
  // The registry's directory is root's own.
  copyFileSync(registry.caFile, `${dir}/ca.pem`);
  chmodSync(`${dir}/ca.pem`, 0o644);
  configuration = `${dir}/jacamar.toml`;
  writeFileSync(
    configuration,
    `[general]
executor = "shell"
data_dir = "$HOME"
run_mechanism = "charliecloud"
user_bash_env = ["REQUESTS_CA_BUNDLE=${dir}/ca.pem"]
[general.charliecloud]
image_storage_dir = "${site.home}/images"
`,
  );
});
afterAll(async () => {
  await registry.stop();
  site.close();
  user.remove();
  rmSync(dir, { recursive: true });
});

test("an ordinary user's job runs in an image of a private registry and stores artifacts", async () => {
  writeFileSync(
    `${site.work}/.gitlab-ci.yml`,
    `build:
  image: {name: $IMAGE, entrypoint: [""]}
  script: [id -u, 'echo foo=$FOO running=$CH_RUNNING', touch made, exit 7]
  artifacts: {paths: [made], when: always}
`,
  );
  const words = ["--configuration", configuration, "--variable", `IMAGE=${image}`];
  const account = ["CH_IMAGE_USERNAME", "CH_IMAGE_PASSWORD"];
  const env = { CH_IMAGE_USERNAME: TESTER.username, CH_IMAGE_PASSWORD: TESTER.password };
  const tried = await site.run([...words, ...account.flatMap((one) => ["--variable", one])], env);
  expect(tried.stdout).toMatch(new RegExp(`^${user.uid}$`, "m"));
  expect(tried.stdout).toMatch(/^foo=bar running=.+$/m);
  expect(tried.status).toBe(7);
  expect(tried.stderr).toContain("ignored in image: entrypoint\n");
  expect(tried.stderr).toContain("artifacts: 1 file would be uploaded: made\n");
  expect(tried.stdout + tried.stderr).not.toContain(TESTER.password);
  // Pulled images stay where the configuration has them.
  expect(site.leftovers()).toEqual(["images"]);
});

test("without the account the pull is the user's fault", async () => {
  const tried = await site.run(["--configuration", configuration, "--image", image, "--", "true"]);
  expect(tried.status).toBe(1);
  expect(tried.stdout).toContain("wants an account, and there is none");
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { jobToken } from "../../src/runner/job-spec.ts";
import type { JobResult } from "../../src/runner/types.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { type Registry, startRegistry, TESTER } from "../fixtures/registry.ts";
import { makeSite, type Site, type SiteOptions } from "./site.ts";

const JOB = 700;
let dir = "";
/** GitLab's scheme: the job token of job 700 opens it. */
let gitlab: Registry;
/** A registry of somebody else, with accounts of its own. */
let foreign: Registry;
let images = { gitlab: "", foreign: "", public: "" };
const sites: Site[] = [];

beforeAll(async () => {
  dir = mkdtempSync("/var/tmp/jacamar-credentials-");
  gitlab = await startRegistry({ dir: `${dir}/gitlab`, auth: "token", jobToken: jobToken(JOB) });
  foreign = await startRegistry({ dir: `${dir}/foreign`, auth: "basic" });
  const root = tinyRoot(`${dir}/root`);
  images = {
    gitlab: gitlab.push("acme/widget", root),
    public: gitlab.push("public/tiny", root),
    foreign: foreign.push("ci/tiny", root),
  };
});
afterAll(async () => {
  for (const site of sites) site.close();
  await Promise.all([gitlab.stop(), foreign.stop()]);
  rmSync(dir, { recursive: true });
});

function site(trusted: Registry | undefined, more: SiteOptions = {}): Site {
  const general = trusted ? [`user_bash_env = ["REQUESTS_CA_BUNDLE=${trusted.caFile}"]`] : [];
  const made = makeSite({ charliecloud: [], general, ...more });
  sites.push(made);
  return made;
}

const job = (image: string, more = {}) => ({
  id: JOB,
  name: "private",
  image: { name: image },
  script: ["echo inside; env"],
  ...more,
});
const account = (url: string) => ({
  type: "registry",
  url,
  username: "gitlab-ci-token",
  password: jobToken(JOB),
});

/** No secret may stand in the log, in a command line, or in a file that the job's stages could read. */
function expectNoLeak(result: JobResult, secret: string): void {
  expect(result.log).not.toContain(secret);
  for (const hook of result.hooks) {
    expect(hook.stderr).not.toContain(secret);
    expect(hook.argv.join(" ")).not.toContain(secret);
  }
}

test("the job token pulls from GitLab's own registry, with the CA that the runner gives", async () => {
  const here = site(undefined);
  const tlsCaPem = readFileSync(gitlab.caFile, "utf8");
  const result = await here
    .runner({ tlsCaPem })
    .run(job(images.gitlab, { credentials: [account(gitlab.host)] }));
  expect(result.status).toBe("success");
  expect(result.log).toContain(`account for ${gitlab.host}: gitlab-ci-token`);
  expect(result.log).not.toMatch(/^CH_IMAGE_/m);
  expect(gitlab.tokenRequests().some(({ user }) => user === "gitlab-ci-token")).toBe(true);
  const prepare = result.hooks.find((hook) => hook.hook === "prepare");
  expect(`${prepare?.stdout}${prepare?.stderr}`).not.toContain(jobToken(JOB));
});

test("CI_REGISTRY names GitLab's registry for a payload without credentials", async () => {
  const here = site(gitlab);
  const variables = [{ key: "CI_REGISTRY", value: gitlab.host }];
  const result = await here.runner().run(job(images.gitlab, { variables, predefined: false }));
  expect(result.status).toBe("success");
  expect(result.log).toContain("gitlab-ci-token (CI_REGISTRY)");
});

test("the job token goes to no other registry, however alike its name", async () => {
  const here = site(foreign);
  const before = foreign.requests().length;
  const result = await here
    .runner()
    .run(job(images.foreign, { credentials: [account(gitlab.host), account("127.0.0.1")] }));
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toContain(`account for ${foreign.host}: none`);
  expect(result.log).toMatch(/wants an account.*CH_IMAGE_USERNAME and CH_IMAGE_PASSWORD/);
  expect(foreign.requests().length).toBeGreaterThan(before);
  expectNoLeak(result, jobToken(JOB));
});

test("the runner's CA is not trusted for another registry", async () => {
  const here = site(undefined);
  const tlsCaPem = readFileSync(foreign.caFile, "utf8");
  const result = await here
    .runner({ tlsCaPem })
    .run(job(images.foreign, { credentials: [account(gitlab.host)] }));
  expect(result.failureReason).toBe("runner_system_failure");
  expect(result.log).toContain("is not trusted");
});

test("the user's own account opens a registry of somebody else; half an account is an error", async () => {
  const here = site(foreign);
  const user = { key: "CH_IMAGE_USERNAME", value: TESTER.username };
  const password = { key: "CH_IMAGE_PASSWORD", value: TESTER.password, masked: true };
  const good = await here
    .runner()
    .run(job(images.foreign, { variables: [user, password], script: ["echo inside"] }));
  expect(good.status).toBe("success");
  expectNoLeak(good, TESTER.password);
  const wrong = await here
    .runner()
    .run(job(images.foreign, { variables: [user, { ...password, value: "wrong-password" }] }));
  expect([wrong.failureReason, wrong.attempts]).toEqual(["script_failure", 1]);
  expectNoLeak(wrong, "wrong-password");
  const half = await here.runner().run(job(images.foreign, { variables: [user] }));
  expect([half.failureReason, half.attempts]).toEqual(["script_failure", 1]);
  expect(half.log).toContain("CH_IMAGE_PASSWORD");
});

test("a public image needs no account, a missing one and an unreachable registry are told apart", async () => {
  const here = site(gitlab);
  const open = await here.runner().run(job(images.public));
  expect(open.status).toBe("success");
  const missing = await here.runner().run(job(`${gitlab.host}/public/none:1`));
  expect([missing.failureReason, missing.attempts]).toEqual(["script_failure", 1]);
  expect(missing.log).toContain("check its name and tag");
  const nobody = await here.runner().run(job("127.0.0.1:9/ci/tiny:1"));
  expect([nobody.failureReason, nobody.attempts]).toEqual(["runner_system_failure", 3]);
  expect(nobody.log).toContain("does not answer");
});

test("a pull policy list falls back when the registry cannot be reached", async () => {
  const short = await startRegistry({ dir: `${dir}/short-lived`, auth: "none" });
  const image = short.push("ci/tiny", `${dir}/root`);
  const caFile = `${dir}/short-lived-ca.pem`;
  copyFileSync(short.caFile, caFile);
  const here = site(undefined, { general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${caFile}"]`] });
  const wanted = {
    ...job(image),
    image: { name: image, pullPolicy: ["always", "if-not-present"] as const },
  };
  const first = await here.runner().run(wanted);
  await short.stop();
  const second = await here.runner().run(wanted);
  expect([first.status, second.status]).toEqual(["success", "success"]);
  expect(second.log).toMatch(/does not answer.*trying pull policy "if-not-present"/);
});

test("the allowlist is anchored at the start and refuses with the image and the key", async () => {
  const here = site(gitlab, {
    general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${gitlab.caFile}"]`],
    charliecloud: [
      `image_allowlist = ["${gitlab.host.replaceAll(".", "\\\\.")}/public/", "registry\\\\.good/"]`,
    ],
  });
  const allowed = await here.runner().run(job(images.public));
  expect(allowed.status).toBe("success");
  for (const image of [images.gitlab, "evil.example/registry.good/x"]) {
    const refused = await here.runner().run(job(image));
    expect([refused.failureReason, refused.attempts]).toEqual(["script_failure", 1]);
    expect(refused.log).toContain("image_allowlist");
    expect(refused.log).toContain(image);
    expect(refused.log).not.toContain("pulled by");
  }
});

import { expect, test } from "bun:test";
import { type PullEnvironmentInput, pullEnvironment } from "./pull-environment.ts";

function environment(change: Partial<PullEnvironmentInput> = {}): Record<string, string> {
  return pullEnvironment({
    chImage: "/usr/bin/ch-image",
    login: { PATH: "/usr/bin", HOME: "/elsewhere", USER: "other" },
    admin: {},
    user: { name: "ann", home: "/home/ann" },
    storage: "/images/ann.ch",
    account: undefined,
    caBundle: undefined,
    ...change,
  });
}

test("an anonymous pull has no account, whatever the user's profile exports", () => {
  const login = {
    CH_IMAGE_AUTH: "yes",
    CH_IMAGE_USERNAME: "ann",
    CH_IMAGE_PASSWORD: "hunter2",
    CH_IMAGE_STORAGE: "/elsewhere",
  };
  const found = environment({ login });
  expect(Object.keys(found).filter((name) => /AUTH$|USERNAME|PASSWORD/.test(name))).toEqual([]);
  expect(found["CH_IMAGE_STORAGE"]).toBe("/images/ann.ch");
  expect(JSON.stringify(found)).not.toContain("hunter2");
});

test("an account comes whole: both variables, and the switch without which ch-image ignores them", () => {
  const account = { username: "gitlab-ci-token", password: "glcbt-1" };
  expect(environment({ account, login: { CH_IMAGE_USERNAME: "ann" } })).toMatchObject({
    CH_IMAGE_AUTH: "yes",
    CH_IMAGE_USERNAME: "gitlab-ci-token",
    CH_IMAGE_PASSWORD: "glcbt-1",
  });
});

test("user and home are those of the account; ch-image before 0.32 gets a Git identity", () => {
  const found = environment({ login: {} });
  expect(found).toMatchObject({ USER: "ann", HOME: "/home/ann" });
  for (const who of ["AUTHOR", "COMMITTER"]) {
    expect(found[`GIT_${who}_NAME`]).toBe("ann");
    expect(found[`GIT_${who}_EMAIL`]).toContain("@");
  }
  expect(environment({ login: { GIT_AUTHOR_NAME: "Ann" } })["GIT_AUTHOR_NAME"]).toBe("Ann");
});

test("the build cache is off unless somebody turns it on", () => {
  expect(environment()["CH_IMAGE_CACHE"]).toBe("disabled");
  expect(environment({ login: { CH_IMAGE_CACHE: "enabled" } })["CH_IMAGE_CACHE"]).toBe("enabled");
});

test("only the site says what a bare image name means", () => {
  const login = { CH_REGY_DEFAULT_HOST: "evil.example" };
  const admin = { CH_REGY_DEFAULT_HOST: "mirror.example", LMOD_ADMIN_FILE: "none" };
  expect(environment({ login })["CH_REGY_DEFAULT_HOST"]).toBeUndefined();
  expect(environment({ login, admin })["CH_REGY_DEFAULT_HOST"]).toBe("mirror.example");
});

test("proxies and a site's CA bundle stay; the job's own bundle takes its place", () => {
  const login = { https_proxy: "http://proxy", REQUESTS_CA_BUNDLE: "/etc/site.pem" };
  expect(environment({ login })).toMatchObject(login);
  expect(environment({ login, caBundle: "/tmp/ca.pem" })["REQUESTS_CA_BUNDLE"]).toBe("/tmp/ca.pem");
});

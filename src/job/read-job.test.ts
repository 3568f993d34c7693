import { expect, test } from "bun:test";
import type { Job, Secrets } from "./job.ts";
import { readJob } from "./read-job.ts";

type Env = Record<string, string>;

function read(env: Env, payload?: object): { job: Job; secrets: Secrets } {
  const result = readJob(env, payload === undefined ? undefined : JSON.stringify(payload));
  if (!result.ok) {
    throw new Error(result.message);
  }
  return result;
}

const TOKEN = "glcbt-64_JobToken";
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

const FULL = {
  id: 4211,
  token: TOKEN,
  job_info: { name: "unit tests", stage: "test", project_id: 31, project_name: "widget" },
  runner_info: { timeout: 1800 },
  variables: [
    { key: "CI_REGISTRY", value: "registry.test:5000", masked: false },
    { key: "CI_JOB_TOKEN", value: TOKEN, masked: true },
    { key: "API_KEY", value: "prefix-$OTHER", masked: true },
    { key: "GREETING", value: "hello there", masked: false },
  ],
  image: {
    name: "registry.test/acme/build:1.4",
    entrypoint: [""],
    pull_policy: ["if-not-present", "always"],
  },
  artifacts: [{ name: "reports" }],
  cache: [{ key: "deps", paths: [".deps/"] }],
  credentials: [
    { type: "Registry", url: "registry.test", username: "gitlab-ci-token", password: TOKEN },
    { type: "other", url: "nope.test", username: "u", password: "password-of-other" },
  ],
  dependencies: [
    { id: 4200, token: "glcbt-64_DepToken", artifacts_file: { filename: "a.zip", size: 1 } },
  ],
  features: { trace_sections: true },
};

test("readJob() reads a full payload", () => {
  const { job, secrets } = read({ CUSTOM_ENV_CI_CONCURRENT_ID: "7", PATH: "/bin" }, FULL);

  expect(job).toEqual({
    id: "4211",
    name: "unit tests",
    source: "payload",
    project: { id: "31", name: "widget" },
    timeout: 1800,
    image: {
      name: "registry.test/acme/build:1.4",
      pullPolicy: ["if-not-present", "always"],
      entrypoint: [""],
    },
    uses: { artifacts: true, cache: true },
    registries: [
      { host: "registry.test", username: "gitlab-ci-token", from: "credentials" },
      { host: "registry.test:5000", username: "gitlab-ci-token", from: "CI_REGISTRY" },
    ],
    traceSections: true,
    concurrentId: 7,
    variables: { CI_CONCURRENT_ID: "7" },
  });
  expect(secrets.passwords).toEqual({ "registry.test": TOKEN, "registry.test:5000": TOKEN });
});

test("readJob() lets no variable override what the payload says", () => {
  const env = {
    CUSTOM_ENV_CI_JOB_ID: "1",
    CUSTOM_ENV_CI_JOB_NAME: "other",
    CUSTOM_ENV_CI_PROJECT_ID: "2",
    CUSTOM_ENV_CI_PROJECT_NAME: "other",
    CUSTOM_ENV_CI_JOB_TIMEOUT: "9",
    CUSTOM_ENV_CI_JOB_IMAGE: "evil.example/x",
    CUSTOM_ENV_CI_REGISTRY: "evil.example",
    CUSTOM_ENV_CI_JOB_TOKEN: "forged-token",
  };

  const { job, secrets } = read(env, FULL);

  expect(job).toMatchObject({ id: "4211", name: "unit tests", timeout: 1800 });
  expect(job.project).toEqual({ id: "31", name: "widget" });
  expect(job.image?.name).toBe("registry.test/acme/build:1.4");
  expect(JSON.stringify([job.registries, secrets.passwords])).not.toContain("evil.example");
});

test("readJob() takes everything from CUSTOM_ENV_* when the runner gives no payload", () => {
  const { job, secrets } = read({
    CUSTOM_ENV_CI_JOB_ID: "0042",
    CUSTOM_ENV_CI_JOB_NAME: "old",
    CUSTOM_ENV_CI_PROJECT_ID: "5",
    CUSTOM_ENV_CI_PROJECT_NAME: "tool",
    CUSTOM_ENV_CI_JOB_IMAGE: "debian:12",
    CUSTOM_ENV_CI_REGISTRY: "registry.test",
    CUSTOM_ENV_CI_JOB_TOKEN: TOKEN,
    CUSTOM_ENV_CI_JOB_TIMEOUT: "600",
    CUSTOM_ENV_CI_SERVER_TLS_CA_FILE: PEM,
  });

  expect(job).toMatchObject({
    id: "42",
    name: "old",
    source: "environment",
    project: { id: "5", name: "tool" },
    timeout: 600,
    image: { name: "debian:12", pullPolicy: [] },
    uses: { artifacts: false, cache: false },
    registries: [{ host: "registry.test", username: "gitlab-ci-token", from: "CI_REGISTRY" }],
    serverCa: PEM,
  });
  expect(secrets).toEqual({ redact: [TOKEN], passwords: { "registry.test": TOKEN } });
});

test("readJob() reads the synthetic boot-verify job", () => {
  const text =
    '{"id":9223372036854775807,"token":"boot-verify","job_info":{"name":"boot verify","project_id":0,' +
    '"project_name":""},"runner_info":{"uuid":"","timeout":0},"inputs":{},"variables":[{"key":"GIT_STRATEGY",' +
    '"value":"none","public":true,"file":false,"masked":false,"raw":false}],"steps":[{"name":"script"}],' +
    '"image":{"name":"","executor_opts":{}},"services":null,"artifacts":null,"cache":null,"credentials":null,' +
    '"dependencies":null,"features":{}}';

  const result = readJob({}, text);

  expect(result).toMatchObject({
    ok: true,
    job: {
      id: "9223372036854775807",
      name: "boot verify",
      project: { id: "0", name: "" },
      timeout: 7200,
      registries: [],
    },
    secrets: { redact: ["boot-verify"], passwords: {} },
  });
  expect(result.ok && result.job.image).toBeUndefined();
});

test("readJob() reads the short payload of runner 14", () => {
  const { job } = read(
    { CUSTOM_ENV_CI_JOB_ID: "12" },
    {
      id: 12,
      token: TOKEN,
      job_info: { name: "a", stage: "b", project_id: 3, project_name: "p" },
      runner_info: { timeout: 60 },
      image: { name: "" },
      variables: null,
    },
  );

  expect(job).toMatchObject({ id: "12", timeout: 60, project: { id: "3", name: "p" } });
});

test("readJob() falls back to variables for ids that the payload lacks", () => {
  const env = { CUSTOM_ENV_CI_JOB_ID: "9", CUSTOM_ENV_CI_PROJECT_ID: "8" };

  expect(read(env, { id: 0 }).job).toMatchObject({ id: "9", project: { id: "8", name: "" } });
  expect(read({}, {}).job).toMatchObject({ id: "0", project: { id: "0" }, timeout: 3600 });
  expect(read({ CUSTOM_ENV_CI_JOB_ID: "../../x" }).job.id).toBe("0");
});

test("readJob() gives two hours when the timeout is zero or negative", () => {
  expect(read({}, { runner_info: { timeout: 0 } }).job.timeout).toBe(7200);
  expect(read({}, { runner_info: { timeout: -1 } }).job.timeout).toBe(7200);
  expect(read({ CUSTOM_ENV_CI_JOB_TIMEOUT: "0" }).job.timeout).toBe(7200);
  expect(read({ CUSTOM_ENV_CI_JOB_TIMEOUT: "soon" }).job.timeout).toBe(3600);
});

test("readJob() expands what is left to expand in an image name, once", () => {
  const env = {
    CUSTOM_ENV_TAG: "1.4",
    CUSTOM_ENV_BASE: "registry.test/a",
    CUSTOM_ENV_LOOP: "$TAG",
  };
  function name(text: string): string | undefined {
    return read(env, { image: { name: text } }).job.image?.name;
  }

  expect(name("$BASE/b:${TAG}")).toBe("registry.test/a/b:1.4");
  expect(name("x:$LOOP")).toBe("x:$TAG");
  expect(name("x$MISSING:1")).toBe("x:1");
  expect(name("x$constructor")).toBe("x");
  expect(name("$MISSING")).toBeUndefined();
  expect(name("")).toBeUndefined();
});

test("readJob() ignores CI_JOB_IMAGE when a payload has no image", () => {
  expect(read({ CUSTOM_ENV_CI_JOB_IMAGE: "evil" }, {}).job.image).toBeUndefined();
});

test("readJob() gives the runner's CA unless a job variable replaced it", () => {
  const env = { CUSTOM_ENV_CI_SERVER_TLS_CA_FILE: PEM };
  const replaced = { variables: [{ key: "CI_SERVER_TLS_CA_FILE", value: PEM }] };

  expect(read(env, {}).job.serverCa).toBe(PEM);
  expect(read(env, replaced).job.serverCa).toBeUndefined();
  expect(
    read({ CUSTOM_ENV_CI_SERVER_TLS_CA_FILE: "/etc/ca.pem" }, {}).job.serverCa,
  ).toBeUndefined();
});

test("readJob() counts artifacts of dependencies only when there is a file", () => {
  const without = { dependencies: [{ token: "t", artifacts_file: { filename: "" } }] };

  expect(read({}, without).job.uses.artifacts).toBe(false);
  expect(read({}, { dependencies: FULL.dependencies }).job.uses.artifacts).toBe(true);
});

test("readJob() takes a concurrent id from 0 to 999 and nothing else", () => {
  for (const [given, wanted] of [
    ["0", 0],
    ["999", 999],
    ["1000", 0],
    ["-1", 0],
    ["x", 0],
    ["", 0],
  ] as const) {
    expect(read({ CUSTOM_ENV_CI_CONCURRENT_ID: given }).job.concurrentId).toBe(wanted);
  }
});

test("readJob() puts no secret into the job beside its variables", () => {
  const { job } = read({}, FULL);

  expect(JSON.stringify(job)).not.toContain(TOKEN);
});

test("readJob() passes on a payload that cannot be read, without its content", () => {
  const result = readJob({}, JSON.stringify(FULL).slice(0, 60));

  expect(result.ok).toBe(false);
  expect(JSON.stringify(result)).not.toContain(TOKEN.slice(0, 10));
});

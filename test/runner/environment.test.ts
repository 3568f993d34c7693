import { expect, test } from "bun:test";
import { parseConfigOutput, usingLine } from "../../src/runner/config-output.ts";
import {
  type DirectoryInputs,
  jobDirectories,
  noDirectories,
  shortToken,
} from "../../src/runner/directories.ts";
import { hookEnvironment } from "../../src/runner/environment.ts";
import { encodePayload } from "../../src/runner/job-payload.ts";
import { type JobSpec, resolveJob } from "../../src/runner/job-spec.ts";
import { buildVariables, expander, lastValue, type Variable } from "../../src/runner/variables.ts";

const facts = {
  version: "19.4",
  token: "glrt-t1_abcdefghijk",
  environment: {},
  tlsCaPem: undefined,
};

function variablesOf(spec: Partial<JobSpec>, more: Partial<typeof facts> = {}): Variable[] {
  const job = resolveJob({ id: 1, name: "j", script: [], ...spec });
  const state = {
    directories: { ...noDirectories, projectDir: "/b/p" },
    status: "running" as const,
    concurrentId: 0,
    concurrentProjectId: 0,
  };
  return buildVariables(job, state, { ...facts, ...more });
}

function environmentOf(spec: Partial<JobSpec>, jobEnv = {}, version = "19.4") {
  const variables = variablesOf(spec, { version });
  const parent = { PATH: "/bin", TMPDIR: "/elsewhere", SECRET: "s" };
  return hookEnvironment({ parent, temporaryDirectory: "/t", jobEnv, variables, version });
}

test("the environment is composed in order, the last value wins", () => {
  const jobEnv = { SECRET: "mine", CUSTOM_ENV_CI_JOB_NAME: "not mine", EXTRA: "1" };
  const env = environmentOf({ name: "n" }, jobEnv);
  expect(env).toMatchObject({
    PATH: "/bin",
    SECRET: "mine",
    EXTRA: "1",
    TMPDIR: "/t",
    BUILD_FAILURE_EXIT_CODE: "1",
    SYSTEM_FAILURE_EXIT_CODE: "2",
    BUILD_EXIT_CODE_FILE: "/t/build_exit_code",
    JOB_RESPONSE_FILE: "/t/response.json",
    CUSTOM_ENV_CI_JOB_NAME: "n",
    CUSTOM_ENV_CI_JOB_SERVICES: "",
    CUSTOM_ENV_CI_JOB_STATUS: "running",
    CUSTOM_ENV_RUNNER_TEMP_PROJECT_DIR: "/b/p.tmp",
    CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN: "abcdefghi",
  });
});

test("old runners lack the newer files and variables", () => {
  const old = environmentOf({}, {}, "14.0");
  expect(old).not.toHaveProperty("JOB_RESPONSE_FILE");
  expect(old).not.toHaveProperty("BUILD_EXIT_CODE_FILE");
  expect(old).not.toHaveProperty("CUSTOM_ENV_CI_JOB_TIMEOUT");
  expect(old["CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN"]).toBe("glrt-t1_");
  const middle = environmentOf({}, {}, "17.8");
  expect(middle["JOB_RESPONSE_FILE"]).toBe("/t/response.json");
  expect(middle).not.toHaveProperty("BUILD_EXIT_CODE_FILE");
});

test("a job may override the runner's early variables but not its late ones", () => {
  const variables = variablesOf({
    image: { name: "real" },
    variables: [
      { key: "CI_JOB_IMAGE", value: "fake" },
      { key: "CI_PROJECT_DIR", value: "/etc" },
      { key: "CI_SHARED_ENVIRONMENT", value: "no" },
      { key: "FF_NETWORK_PER_BUILD", value: "1" },
    ],
  });
  expect(lastValue(variables, "CI_JOB_IMAGE")).toBe("fake");
  expect(lastValue(variables, "CI_PROJECT_DIR")).toBe("/etc");
  expect(lastValue(variables, "CI_SHARED_ENVIRONMENT")).toBe("true");
  expect(lastValue(variables, "FF_NETWORK_PER_BUILD")).toBe("true");
});

test("values are expanded once, raw ones not at all", () => {
  const variables = variablesOf({
    variables: [
      { key: "A", value: "a" },
      { key: "KEY", value: "content\n", file: true },
      { key: "B", value: "$A ${A} $NONE $$A $1 %$ ${KEY} $" },
      { key: "C", value: "$B" },
      { key: "R", value: "$A", raw: true },
    ],
  });
  expect(lastValue(variables, "B")).toBe("a a  $A  %$ /b/p.tmp/KEY $");
  expect(lastValue(variables, "C")).toBe("$A ${A} $NONE $$A $1 %$ ${KEY} $");
  expect(lastValue(variables, "R")).toBe("$A");
  expect(lastValue(variables, "KEY")).toBe("content\n");
  expect(expander(variables, "/f")("${unclosed")).toBe("unclosed");
});

test("without predefined variables only the runner's own are left", () => {
  const keys = variablesOf({ predefined: false }).map(({ key }) => key);
  expect(keys).not.toContain("CI_JOB_ID");
  expect(keys).toContain("CI_PROJECT_DIR");
});

test("the payload is one line of Go-like JSON and keeps huge ids", () => {
  const job = resolveJob({
    id: 9223372036854775807n,
    name: "<a> & b",
    beforeScript: ["one"],
    script: ["two"],
    image: { name: "img:$TAG", pullPolicy: ["never"], entrypoint: [""] },
  });
  const text = encodePayload(job, (value) => value.replace("$TAG", "7"));
  expect(text).toStartWith('{"id":9223372036854775807,"token":');
  expect(text).toEndWith("}\n");
  expect(text.trimEnd()).not.toContain("\n");
  expect(text).toContain('"name":"\\u003ca\\u003e \\u0026 b"');
  expect(JSON.parse(text)).toMatchObject({
    steps: [{ name: "script", script: ["one", "two"], when: "on_success" }],
    image: { name: "img:7", pull_policy: ["never"], entrypoint: [""] },
    services: null,
    dependencies: null,
    inputs: {},
  });
});

test("services reach CI_JOB_SERVICES with their first alias", () => {
  const services = [
    { name: "postgres:$V", alias: "db database", variables: [{ key: "X", value: "1" }] },
    { name: "redis", command: ["run"] },
  ];
  const spec = { services, variables: [{ key: "V", value: "16" }] };
  const listed = (version: string) =>
    JSON.parse(lastValue(variablesOf(spec, { version }), "CI_JOB_SERVICES") ?? "");
  const postgres = { name: "postgres:16", alias: "db", entrypoint: null, command: null };
  const redis = { name: "redis", alias: "", entrypoint: null, command: ["run"] };
  expect(listed("19.0")).toEqual([{ ...postgres, variables: { X: "1" } }, redis]);
  expect(listed("18.0")).toEqual([postgres, redis]);
});

test("config output: what counts and what is refused", () => {
  expect(parseConfigOutput("", "19.4")).toEqual({});
  expect(parseConfigOutput("null\n", "19.4")).toEqual({});
  expect(parseConfigOutput('{"builds_dir":null,"else":[1]}', "19.4")).toEqual({});
  expect(parseConfigOutput('{"Builds_Dir":"","job_env":{"a":"1"}}', "19.4")).toEqual({
    buildsDir: "",
    jobEnv: { a: "1" },
  });
  expect(parseConfigOutput('{"shell":"sh"}', "15.9")).toEqual({});
  const refused = [" \n", "text", "{}{}", "{} x", "[]", '"a"', "\ufeff{}"];
  const wrongTypes = ['{"builds_dir":1}', '{"job_env":{"a":1}}', '{"builds_dir_is_shared":"y"}'];
  for (const text of [...refused, ...wrongTypes, '{"driver":"x"}']) {
    expect(() => parseConfigOutput(text, "19.4")).toThrow();
  }
});

test("the line that names the driver", () => {
  expect(usingLine({})).toBe("Using Custom executor...");
  expect(usingLine({ driver: { name: "D", version: "" } })).toBe(
    "Using Custom executor with driver D...",
  );
  expect(usingLine({ driver: { name: "D", version: "2" } })).toBe(
    "Using Custom executor with driver D 2...",
  );
  expect(usingLine({ driver: { name: "", version: "2" } })).toBe("Using Custom executor...");
});

test("directories of a job", () => {
  const inputs: DirectoryInputs = {
    configured: { buildsDir: "/b", cacheDir: "/c" },
    config: {},
    shortToken: "tok",
    concurrentProjectId: 3,
    strategy: "none",
    clonePath: undefined,
    customBuildDir: false,
    version: "19.4",
  };
  const job = resolveJob({ id: 1, name: "j", script: [] });
  const projectDir = (more: Partial<DirectoryInputs>, spec = job) => {
    const found = jobDirectories(spec, { ...inputs, ...more });
    return "error" in found ? found.error : found.projectDir;
  };
  expect(jobDirectories(job, inputs)).toEqual({
    buildsDir: "/b",
    cacheDir: "/c",
    projectDir: "/b/acme/widget",
    projectCacheDir: "/c/acme/widget",
  });
  expect(projectDir({ config: { buildsDir: "/x" } })).toBe("/x/acme/widget");
  expect(projectDir({ config: { buildsDirIsShared: true } })).toBe("/b/tok/3/acme/widget");
  expect(projectDir({ strategy: "empty" })).toBe("/b/acme/widget-empty");
  expect(projectDir({}, { ...job, repoUrl: "/srv/repo" })).toBe("/b/project-31");
  expect(projectDir({}, { ...job, repoUrl: "file:///srv/repo.git" })).toBe("/b/project-31");
  expect(projectDir({ config: { buildsDir: "" } })).toBe("the builds_dir is not configured");
  expect(projectDir({ config: { cacheDir: "" } })).toBe("the cache_dir is not configured");
  expect(projectDir({ clonePath: "/b/here" })).toContain("not allowed");
  expect(projectDir({ clonePath: "/b/here", customBuildDir: true })).toBe("/b/here");
  expect(projectDir({ clonePath: "/b/../etc", customBuildDir: true })).toContain("within");
});

test("short tokens", () => {
  expect(shortToken("glrt-t3_0123456789", "18.2")).toBe("012345678");
  expect(shortToken("glrt-0123456789", "18.1")).toBe("glrt-012");
});

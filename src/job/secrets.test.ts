import { expect, test } from "bun:test";
import { type Payload, parsePayload } from "./payload.ts";
import { redactions, registryAccounts } from "./secrets.ts";

const TOKEN = "glcbt-64_JobToken";

function payload(content: object): Payload {
  const reading = parsePayload(JSON.stringify({ token: TOKEN, ...content }));
  if (!reading.ok) {
    throw new Error(reading.message);
  }
  return reading.payload;
}

const OWN = {
  host: "registry.test",
  username: "gitlab-ci-token",
  from: "CI_REGISTRY",
  password: TOKEN,
} as const;

test("registryAccounts() trusts the first CI_REGISTRY only, and only one in the payload", () => {
  const first = { key: "CI_REGISTRY", value: "registry.test" };
  const later = { key: "CI_REGISTRY", value: "evil.example" };
  const variables = { CI_REGISTRY: "evil.example" };

  expect(registryAccounts(payload({ variables: [first, later] }), variables)).toEqual([OWN]);
  expect(registryAccounts(payload({ variables: [] }), variables)).toEqual([]);
});

test("registryAccounts() lists a registry once, with the credentials of the payload", () => {
  const content = {
    variables: [{ key: "CI_REGISTRY", value: "https://registry.test/" }],
    credentials: [
      { type: "REGISTRY", url: "https://registry.test", username: "u", password: "first-pass" },
      { type: "registry", url: "registry.test", username: "v", password: "second-pass" },
    ],
  };

  expect(registryAccounts(payload(content), {})).toEqual([
    { host: "registry.test", username: "u", from: "credentials", password: "first-pass" },
  ]);
});

test("registryAccounts() skips credentials that are of another type or incomplete", () => {
  const credentials = [
    { type: "docker", url: "a.test", username: "u", password: "p" },
    { type: "registry", url: "b.test", username: "u", password: "" },
    { type: "registry", url: "c.test", username: "", password: "p" },
    { type: "registry", url: "", username: "u", password: "p" },
    { type: "registry", url: "bad host", username: "u", password: "p" },
    { type: "registry", url: "user@d.test", username: "u", password: "p" },
    null,
  ];

  expect(registryAccounts(payload({ credentials }), {})).toEqual([]);
});

test("registryAccounts() takes the variables of a runner without payload", () => {
  const variables = { CI_REGISTRY: "registry.test", CI_JOB_TOKEN: TOKEN };

  expect(registryAccounts(undefined, variables)).toEqual([OWN]);
  expect(registryAccounts(undefined, { CI_REGISTRY: "registry.test" })).toEqual([]);
  expect(registryAccounts(undefined, { CI_JOB_TOKEN: TOKEN })).toEqual([]);
});

test("redactions() collects tokens, passwords, masked variables and resolved secrets", () => {
  const variables = {
    API_KEY: "prefix-expanded",
    CI_JOB_TOKEN: "token-of-variable",
    CI_REGISTRY_PASSWORD: "registry-pass",
    CH_IMAGE_PASSWORD: "image-pass",
    VAULT: "from-vault",
    GREETING: "hello there",
  };
  const content = {
    variables: [
      { key: "API_KEY", value: "prefix-$OTHER", masked: true },
      { key: "GREETING", value: "hello there", masked: false },
    ],
    credentials: [{ type: "other", url: "x", username: "u", password: "other-pass" }],
    dependencies: [{ token: "glcbt-64_DepToken", artifacts_file: null }],
    secrets: { VAULT: { vault: {} } },
  };

  expect([...redactions(payload(content), variables)].sort()).toEqual(
    [
      TOKEN,
      "token-of-variable",
      "glcbt-64_DepToken",
      "other-pass",
      "prefix-$OTHER",
      "prefix-expanded",
      "registry-pass",
      "image-pass",
      "from-vault",
    ].sort(),
  );
});

test("redactions() adds the lines of long secrets, longest first, and skips short ones", () => {
  const value = "first line\r\nsecond line\nab\n";
  const content = {
    token: "",
    variables: [
      { key: "A", value, masked: true },
      { key: "B", value: "abc", masked: true },
    ],
  };

  expect(redactions(payload(content), {})).toEqual([value, "second line", "first line"]);
});

test("redactions() finds the well-known variables without a payload", () => {
  expect(redactions(undefined, { CI_JOB_TOKEN: TOKEN, X: "visible" })).toEqual([TOKEN]);
});

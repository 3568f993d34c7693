import { expect, test } from "bun:test";
import type { RegistryAccount } from "../job/job.ts";
import { type CredentialChoice, chooseCredentials } from "./credentials.ts";
import { parseReference } from "./reference.ts";

const REGISTRIES: readonly RegistryAccount[] = [
  { host: "registry.good", username: "gitlab-ci-token", from: "CI_REGISTRY" },
  { host: "proxy.good:443", username: "proxy-user", from: "credentials" },
  { host: "docker.io", username: "hub", from: "credentials" },
];

function choose(
  image: string,
  variables: Record<string, string> = {},
  mirror?: string,
): CredentialChoice {
  const reference = parseReference(image);
  if (!reference.ok) {
    throw new Error(reference.refusal.message);
  }
  const verdict = chooseCredentials({
    reference: reference.value,
    variables,
    registries: REGISTRIES,
    mirror,
  });
  if (!verdict.ok) {
    throw new Error(verdict.refusal.message);
  }
  return verdict.value;
}

test("chooseCredentials() prefers the user's own variables", () => {
  const variables = { CH_IMAGE_USERNAME: "me", CH_IMAGE_PASSWORD: "S3CRET" };

  for (const image of ["registry.good/x", "other.example/x", "debian"]) {
    const choice = choose(image, variables);
    expect(choice).toMatchObject({ choice: "variables", username: "me" });
    expect(JSON.stringify(choice)).not.toContain("S3CRET");
  }
});

test("chooseCredentials() refuses half an account, naming the missing variable", () => {
  for (const [variables, missing] of [
    [{ CH_IMAGE_USERNAME: "me" }, "CH_IMAGE_PASSWORD"],
    [{ CH_IMAGE_USERNAME: "me", CH_IMAGE_PASSWORD: "" }, "CH_IMAGE_PASSWORD"],
    [{ CH_IMAGE_PASSWORD: "S3CRET" }, "CH_IMAGE_USERNAME"],
    [{ CH_IMAGE_USERNAME: "", CH_IMAGE_PASSWORD: "S3CRET" }, "CH_IMAGE_USERNAME"],
  ] as const) {
    const verdict = chooseCredentials({
      reference: { host: "registry.good" },
      variables: { ...variables } as Record<string, string>,
      registries: REGISTRIES,
    });
    expect(verdict).toMatchObject({ ok: false, refusal: { fault: "user", from: missing } });
    expect(JSON.stringify(verdict)).toContain(`${missing} is missing or empty`);
    expect(JSON.stringify(verdict)).not.toContain("S3CRET");
  }
});

test("chooseCredentials() takes two empty variables as none", () => {
  const variables = { CH_IMAGE_USERNAME: "", CH_IMAGE_PASSWORD: "" };

  expect(choose("registry.good/x", variables).choice).toBe("job-token");
});

test("chooseCredentials() uses an account of exactly the same host and port", () => {
  expect(choose("registry.good/x:1")).toEqual({
    choice: "job-token",
    because: "registry.good is the registry of the job's own GitLab",
    from: "CI_REGISTRY",
    registry: "registry.good",
    username: "gitlab-ci-token",
  });
  expect(choose("proxy.good:443/x")).toMatchObject({ choice: "payload", username: "proxy-user" });
});

test("chooseCredentials() never gives a token to a look-alike", () => {
  for (const image of [
    "evil.example/registry.good/x",
    "registry.good.evil.example/x",
    "evil.registry.good/x",
    "registry.good:5000/x",
    "registry.good:443/x",
    "Registry.Good/x",
    "registry.goo/d/x",
    "registry.good",
    "proxy.good/x",
    "proxy.good:4433/x",
    "evil.example:5000/registry.good",
  ]) {
    expect(choose(image)).toMatchObject({ choice: "none" });
    expect(choose(image).username).toBeUndefined();
  }
});

test("chooseCredentials() gives no account to a name without a host", () => {
  expect(choose("debian")).toEqual({
    choice: "none",
    because: "the job has no account for docker.io",
    from: "image:",
    registry: "docker.io",
  });
});

test("chooseCredentials() gives a mirror no account of the registry in the name", () => {
  const variables = { CH_IMAGE_USERNAME: "me", CH_IMAGE_PASSWORD: "S3CRET" };

  for (const image of ["registry.good/x", "debian", "proxy.good:443/x"]) {
    expect(choose(image, {}, "mirror.example")).toMatchObject({
      choice: "none",
      registry: "mirror.example",
    });
    const choice = choose(image, variables, "mirror.example");
    expect(choice).toMatchObject({ choice: "none", registry: "mirror.example" });
    expect(choice.username).toBeUndefined();
    expect(choice.because).toContain("is not for a mirror");
  }
});

test("chooseCredentials() gives a mirror the account that GitLab gave for it", () => {
  const variables = { CH_IMAGE_USERNAME: "me", CH_IMAGE_PASSWORD: "S3CRET" };

  expect(choose("debian", variables, "proxy.good:443")).toMatchObject({
    choice: "payload",
    registry: "proxy.good:443",
    username: "proxy-user",
  });
  expect(choose("debian", variables, "proxy.good")).toMatchObject({ choice: "none" });
});

test("chooseCredentials() takes a registry that mirrors itself as what it is", () => {
  const variables = { CH_IMAGE_USERNAME: "me", CH_IMAGE_PASSWORD: "S3CRET" };

  expect(choose("registry.good/x", variables, "registry.good").choice).toBe("variables");
  expect(choose("registry.good/x", {}, "registry.good").choice).toBe("job-token");
  expect(choose("debian", variables, "registry-1.docker.io").choice).toBe("variables");
});

test("chooseCredentials() refuses half an account also where a mirror is asked", () => {
  expect(() => choose("debian", { CH_IMAGE_USERNAME: "me" }, "mirror.example")).toThrow(
    "the registry docker.io: the job sets CH_IMAGE_USERNAME",
  );
});

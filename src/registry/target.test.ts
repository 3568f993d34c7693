import { expect, test } from "bun:test";
import { parseReference } from "../plan/reference.ts";
import { imageTarget, registryOf } from "./target.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

function parsed(name: string) {
  const verdict = parseReference(name);
  if (!verdict.ok) throw new Error(verdict.refusal.message);
  return verdict.value;
}

test.each([
  ["debian", "registry-1.docker.io", "library/debian", "latest"],
  ["debian:12", "registry-1.docker.io", "library/debian", "12"],
  ["group/image", "registry-1.docker.io", "group/image", "latest"],
  ["docker.io/debian", "registry-1.docker.io", "library/debian", "latest"],
  ["index.docker.io/a/b:c", "registry-1.docker.io", "a/b", "c"],
  ["registry-1.docker.io/debian", "registry-1.docker.io", "library/debian", "latest"],
  ["registry.example:5000/a/b/c:1", "registry.example:5000", "a/b/c", "1"],
  [`registry.example/a@${DIGEST}`, "registry.example", "a", DIGEST],
  [`registry.example/a:1@${DIGEST}`, "registry.example", "a", DIGEST],
])("%s is at %s", (name, registry, repository, reference) => {
  expect(imageTarget(parsed(name))).toEqual({ registry, repository, reference });
});

test.each([
  ["debian:12", "mirror.example", "mirror.example", "library/debian"],
  ["debian:12", "mirror.example:5000/hub/", "mirror.example:5000", "hub/library/debian"],
  ["registry.example/a/b:12", "mirror.example/x/y", "mirror.example", "x/y/a/b"],
])("%s on the mirror %s", (name, mirror, registry, repository) => {
  expect(imageTarget(parsed(name), mirror)).toEqual({ registry, repository, reference: "12" });
});

test("mirrors and accounts are chosen by one name for all of Docker Hub", () => {
  expect(["debian", "docker.io/a/b", "registry.example:1/c"].map(parsed).map(registryOf)).toEqual([
    "docker.io",
    "docker.io",
    "registry.example:1",
  ]);
});

import { expect, test } from "bun:test";
import { chooseMirror, type SourceChoice } from "./mirror.ts";
import { parseReference } from "./reference.ts";

const HUB = { registry: "docker.io", mirror: "registry.example:5000/hub" };
const QUAY = { registry: "quay.example", mirror: "quay-mirror.example" };
const GROUP = { registry: "quay.example/group", mirror: "group-mirror.example/a/b" };

function choose(image: string, mirrors: readonly (typeof HUB)[], offline = false): SourceChoice {
  const reference = parseReference(image);
  if (!reference.ok) throw new Error(reference.refusal.message);
  return chooseMirror(reference.value, { mirrors, offline });
}

test("chooseMirror() asks the registry itself where there is no mirror", () => {
  expect(choose("debian:12", [])).toEqual({
    choice: "registry",
    because: "the site has no mirrors",
    from: "[[general.charliecloud.mirror]]",
    registry: "docker.io",
  });
  expect(choose("quay.example:443/x", [HUB, QUAY])).toEqual({
    choice: "registry",
    because: "the site has no mirror of quay.example:443",
    from: "[[general.charliecloud.mirror]]",
    registry: "quay.example:443",
  });
});

test("chooseMirror() gives host and path of the mirror", () => {
  expect(choose("debian:12", [QUAY, HUB])).toEqual({
    choice: "mirror",
    because: "the site has the mirror registry.example:5000/hub of docker.io",
    from: "[[general.charliecloud.mirror]]",
    registry: "docker.io",
    mirror: {
      host: "registry.example:5000",
      path: "hub",
      prefix: "registry.example:5000/hub",
    },
  });
  expect(choose("quay.example/x", [QUAY, HUB]).mirror).toEqual({
    host: "quay-mirror.example",
    path: "",
    prefix: "quay-mirror.example",
  });
});

test("chooseMirror() takes every name of Docker Hub as docker.io", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  for (const image of [
    "debian",
    "library/debian:12",
    "group/image",
    "docker.io/group/image",
    "index.docker.io/group/image",
    "registry-1.docker.io/group/image",
    `debian@${digest}`,
  ]) {
    for (const registry of ["docker.io", "Docker.io", "registry-1.docker.io"]) {
      expect(choose(image, [{ ...HUB, registry }]).choice).toBe("mirror");
    }
  }
});

test("chooseMirror() takes the mirror that covers most of the name, in whatever order", () => {
  for (const mirrors of [
    [QUAY, GROUP, HUB],
    [GROUP, QUAY, HUB],
  ]) {
    for (const [image, host] of [
      ["quay.example/group/x:1", "group-mirror.example"],
      ["quay.example/group/x/y", "group-mirror.example"],
      ["quay.example/group", "group-mirror.example"],
      ["Quay.Example/group/x", "group-mirror.example"],
      ["quay.example/groups/x", "quay-mirror.example"],
      ["quay.example/x/group/y", "quay-mirror.example"],
    ] as const) {
      expect(choose(image, mirrors).mirror?.host).toBe(host);
    }
  }
});

test("chooseMirror() takes no look-alike for a registry", () => {
  for (const image of [
    "evil.quay.example/x",
    "quay.example.evil/x",
    "quay.example:5000/x",
    "other.example/quay.example/x",
    "docker.io.evil/x",
  ]) {
    expect(choose(image, [HUB, QUAY, GROUP]).choice).toBe("registry");
  }
});

test("chooseMirror() asks nobody but mirrors on a site that is offline", () => {
  expect(choose("debian", [HUB], true).choice).toBe("mirror");
  expect(choose("other.example/x", [HUB], true)).toEqual({
    choice: "none",
    because: "this site asks no registry but its mirrors, and has none of other.example",
    from: "[general.charliecloud] offline",
    registry: "other.example",
  });
});

import { expect, test } from "bun:test";
import { defaultRegistry } from "./default-registry.ts";
import { parseReference, type Reference } from "./reference.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

function parsed(text: string): Reference {
  const verdict = parseReference(text);
  if (!verdict.ok) {
    throw new Error(verdict.refusal.message);
  }
  return verdict.value;
}

function problem(text: string): string {
  const verdict = parseReference(text);
  if (verdict.ok) {
    throw new Error(`accepted ${text}`);
  }
  return verdict.refusal.message;
}

test("parseReference() takes names without a host to Docker Hub", () => {
  expect(parsed("debian")).toEqual({
    written: "debian",
    path: "debian",
    canonical: "docker.io/library/debian:latest",
    pull: "debian:latest",
  });
  expect(parsed("debian:12")).toEqual({
    written: "debian:12",
    path: "debian",
    tag: "12",
    canonical: "docker.io/library/debian:12",
    pull: "debian:12",
  });
  expect(parsed("group/image")).toMatchObject({ canonical: "docker.io/group/image:latest" });
  expect(parsed("python3.12:1.0")).toMatchObject({ path: "python3.12", tag: "1.0" });
});

test("parseReference() takes names without a host to the site's default registry", () => {
  const at = (text: string, env: Record<string, string>) => {
    const verdict = parseReference(text, undefined, defaultRegistry(env));
    return verdict.ok ? verdict.value : verdict.refusal;
  };
  const site = { CH_REGY_DEFAULT_HOST: "registry.site" };
  expect(at("debian:12", site)).toMatchObject({
    host: "registry.site",
    path: "debian",
    canonical: "registry.site/debian:12",
    pull: "debian:12",
  });
  const below = { ...site, CH_REGY_DEFAULT_PORT: "5000", CH_REGY_PATH_PREFIX: "/hub/library/" };
  expect(at("debian", below)).toMatchObject({
    host: "registry.site:5000",
    canonical: "registry.site:5000/hub/library/debian:latest",
    pull: "debian:latest",
  });
  expect(at("other.test/x", below)).toMatchObject({ canonical: "other.test/x:latest" });
  expect(at("debian", { CH_REGY_DEFAULT_PORT: "1" })).toMatchObject({
    canonical: "docker.io/library/debian:latest",
  });
  const hub = { CH_REGY_DEFAULT_HOST: "registry-1.docker.io" };
  expect(at("debian", hub)).toMatchObject({ canonical: "docker.io/library/debian:latest" });
});

test("parseReference() blames the administrator for a default registry that is none", () => {
  for (const [env, seen] of [
    [{ CH_REGY_DEFAULT_HOST: "https://r" }, "https://r/"],
    [{ CH_REGY_DEFAULT_HOST: "r", CH_REGY_DEFAULT_PORT: "x" }, "r:x/"],
    [{ CH_REGY_DEFAULT_HOST: "r", CH_REGY_PATH_PREFIX: "Hub" }, "r/Hub"],
  ] as const) {
    const verdict = parseReference("debian", undefined, defaultRegistry(env));
    const refusal = { fault: "admin", from: "[general] user_bash_env" };
    expect(verdict).toMatchObject({ ok: false, refusal });
    if (!verdict.ok) expect(verdict.refusal.message).toContain(`the default registry "${seen}"`);
    expect(parseReference("other.test/x", undefined, defaultRegistry(env)).ok).toBe(true);
  }
});

test("parseReference() sees a host only in a first component with a dot or a colon", () => {
  expect(parsed("registry.test/a/b:1")).toMatchObject({
    host: "registry.test",
    path: "a/b",
    canonical: "registry.test/a/b:1",
    pull: "registry.test/a/b:1",
  });
  expect(parsed("localhost:5001/x")).toMatchObject({ host: "localhost:5001", path: "x" });
  expect(parsed("debian:80/x")).toMatchObject({ host: "debian:80" });
  expect(parsed("Registry.Test:5000/x").host).toBe("Registry.Test:5000");
  expect(parsed("localhost/x").host).toBeUndefined();
  expect(parsed("localhost/x").canonical).toBe("docker.io/localhost/x:latest");
  expect(parsed("evil.example/registry.good/x")).toMatchObject({
    host: "evil.example",
    path: "registry.good/x",
  });
});

test("parseReference() keeps a digest and drops a tag beside it, saying so", () => {
  expect(parsed(`registry.test/x@${DIGEST}`)).toEqual({
    written: `registry.test/x@${DIGEST}`,
    host: "registry.test",
    path: "x",
    digest: DIGEST,
    canonical: `registry.test/x@${DIGEST}`,
    pull: `registry.test/x@${DIGEST}`,
  });

  const both = parsed(`registry.test/x:1.0@${DIGEST}`);

  expect(both.pull).toBe(`registry.test/x@${DIGEST}`);
  expect(both.tag).toBeUndefined();
  expect(both.note).toContain('"1.0"');
});

test("parseReference() pulls from Docker Hub by the name of its registry", () => {
  expect(parsed("docker.io/debian:12")).toMatchObject({
    host: "docker.io",
    canonical: "docker.io/library/debian:12",
    pull: "registry-1.docker.io/library/debian:12",
    note: "ch-image reaches docker.io as registry-1.docker.io",
  });
  expect(parsed("index.docker.io/a/b")).toMatchObject({
    canonical: "docker.io/a/b:latest",
    pull: "registry-1.docker.io/a/b:latest",
  });
  expect(parsed("registry-1.docker.io/library/debian")).toMatchObject({
    canonical: "docker.io/library/debian:latest",
    pull: "registry-1.docker.io/library/debian:latest",
  });
  expect(parsed("registry-1.docker.io/library/debian").note).toBeUndefined();
  expect(parsed("registry-1.docker.io/debian").pull).toBe(
    "registry-1.docker.io/library/debian:latest",
  );
  expect(parsed(`docker.io/x:1@${DIGEST}`).note).toContain("; ");
});

test("parseReference() refuses what ch-image would misread or reject", () => {
  for (const [text, part] of [
    ["", "empty"],
    ["debian 12", "space"],
    [" debian", "space"],
    ["debian\u00a0", "space"],
    ["debian\n", "newline"],
    ["debian\u0000", "control"],
    ["debian\u001b[31m", "control"],
    ["Debian", '"debian"'],
    ["registry.test/Group/Image", '"group/image"'],
    ["docker://debian", '"docker://"'],
    ["https://registry.test/x", '"https://"'],
    ["registry.test/$NAME:1", "$"],
    ["debian%x", "%"],
    ["debian+12", "+"],
    ["debian:", "tag"],
    ["debian:.a", "tag"],
    ["debian:1:2", "tag"],
    [`debian:${"x".repeat(129)}`, "tag"],
    ["debian@sha256:00", "digest"],
    ["debian@", "digest"],
    [`debian@${DIGEST.toUpperCase()}`, "digest"],
    [`debian@${DIGEST}@${DIGEST}`, "digest"],
    [`debian@sha512:${"0".repeat(128)}`, "digest"],
    ["registry.test/", "path"],
    ["/abs", '""'],
    ["a//b", '""'],
    ["-x", '"-x"'],
    ["a/-x", '"-x"'],
    ["x.", '"x."'],
    ["../x", '".."'],
    ["./x", '"."'],
    ["a..b/x", '"a..b"'],
    ["registry.test/a/../b", '".."'],
    ["a.b/c:80/d", '"c:80"'],
    ["[::1]:5000/x", "host"],
    ["registry.test:0/x", "host"],
    ["registry.test:65536/x", "host"],
    ["registry.test:/x", "host"],
    ["user:pass@registry.test/x", "digest"],
    ["dé", "component"],
    [`a/${"x".repeat(250)}`, "255"],
    [`registry.test/${"x".repeat(300)}:1`, "255"],
  ] as const) {
    expect(problem(text)).toContain(part);
    expect(problem(text)).toContain("registry.example/group/image:tag");
    expect(problem(text)).not.toMatch(/[\u0000-\u001f]/);
  }
});

test("parseReference() blames the user and `image:` unless told otherwise", () => {
  const origin = { fault: "admin", from: "[general.charliecloud] default_image" } as const;

  expect(parseReference("A")).toMatchObject({
    ok: false,
    refusal: { fault: "user", from: "image:" },
  });
  expect(parseReference("A", origin)).toMatchObject({ ok: false, refusal: origin });
});

test("parseReference() is quick on hostile input", () => {
  const started = performance.now();
  for (const text of ["a-".repeat(60_000), "a".repeat(120_000), `${"a.".repeat(60_000)}/x`]) {
    expect(parseReference(text).ok).toBe(false);
  }
  expect(performance.now() - started).toBeLessThan(1000);
});

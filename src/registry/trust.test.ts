/** Which certificates are good. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BadRegistry, startBadRegistry, status } from "../../test/fixtures/bad-registry.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { testClient } from "../../test/fixtures/registry-client.ts";
import { trustedAuthorities } from "./trust.ts";

let directory: FreshDirectory;
let registry: BadRegistry;
let target: { registry: string; repository: string; reference: string };

beforeAll(async () => {
  directory = freshDirectory("registry-trust");
  registry = await startBadRegistry(join(directory.path, "registry"));
  const digest = `sha256:${"d".repeat(64)}`;
  registry.answer("/v2/a/b/manifests/latest", status(200, { "Docker-Content-Digest": digest }));
  target = { registry: registry.host, repository: "a/b", reference: "latest" };
});
afterAll(() => {
  registry?.stop();
  directory?.remove();
});

test("a registry whose CA is not known is not trusted, and not asked twice", async () => {
  const client = testClient({ caFile: "" });
  expect(await client.resolve(target)).toMatchObject({
    ok: false,
    failure: "untrusted",
    said: expect.stringMatching(/certificate of 127\.0\.0\.1:\d+ is not trusted/),
  });
  expect(client.waits).toEqual([]);
});

test("a CA bundle that cannot be used is told with its path", async () => {
  const missing = testClient({ caFile: "/nonexistent/ca.pem" });
  const empty = join(directory.path, "empty.pem");
  writeFileSync(empty, "nothing\n");
  const results = [
    await missing.resolve(target),
    await testClient({ caFile: empty }).resolve(target),
  ];
  expect(results).toMatchObject([
    {
      failure: "untrusted",
      said: expect.stringContaining("/nonexistent/ca.pem (REQUESTS_CA_BUNDLE)"),
    },
    { failure: "untrusted", said: expect.stringContaining(`${empty} (REQUESTS_CA_BUNDLE)`) },
  ]);
});

test("a directory of CAs works like a file", async () => {
  const caFile = join(directory.path, "authorities");
  mkdirSync(caFile);
  writeFileSync(join(caFile, "README"), "about these files");
  symlinkSync("gone.pem", join(caFile, "0123abcd.0"));
  expect(await testClient({ caFile }).resolve(target)).toMatchObject({
    failure: "untrusted",
    said: `cannot use the CAs in ${caFile} (REQUESTS_CA_BUNDLE): no PEM certificate in it`,
  });
  writeFileSync(join(caFile, "mine.crt"), readFileSync(registry.caFile));
  symlinkSync("mine.crt", join(caFile, "4567abcd.0"));
  expect(await testClient({ caFile }).resolve(target)).toMatchObject({ ok: true });
});

test("the system's CAs stay trusted beside a bundle", () => {
  const system = trustedAuthorities(undefined);
  const both = trustedAuthorities(registry.caFile);
  if (!system.ok || !both.ok) throw new Error("no authorities");
  expect(both.value).toEqual([...system.value, readFileSync(registry.caFile, "utf8")]);
  expect(system.value.join("")).toContain("-----BEGIN CERTIFICATE-----");
});

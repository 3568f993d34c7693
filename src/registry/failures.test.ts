/** What networks and registries do wrong, with `bad-registry.ts`; its clock of waits takes no time. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { body, hangUp, silence, status, trickle } from "../../test/fixtures/bad-registry.ts";
import { badRepositories } from "../../test/fixtures/bad-repositories.ts";
import { freePort } from "../../test/fixtures/daemon.ts";
import { describe as describeContent } from "../../test/fixtures/registry-client.ts";
import { sleepUnless } from "./sleep.ts";

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const MANIFEST = '{"schemaVersion": 2}';
const DIGEST = describeContent(MANIFEST, "").digest;
const BLOB = Buffer.alloc(250_000, "layer ");
const LAYER = describeContent(BLOB, "application/vnd.oci.image.layer.v1.tar");
const PAGE = "<!DOCTYPE html><title>Log in to this network</title>";

const { registry, setup } = badRepositories(LAYER.digest);

const found = status(200, { "Docker-Content-Digest": DIGEST, "Content-Type": MANIFEST_TYPE });
const FOUND = { ok: true, value: { digest: DIGEST, mediaType: MANIFEST_TYPE } } as const;

describe("a registry that does not answer", () => {
  test("is asked six times, with longer and longer waits and a line each", async () => {
    const { client, target } = setup();
    const gone = `127.0.0.1:${await freePort()}`;
    const why = `cannot talk to ${gone}: it refuses connections (ECONNREFUSED)`;

    const result = await client.resolve({ ...target, registry: gone });

    expect(result).toEqual({ ok: false, failure: "unreachable", said: `${why}, after 6 tries` });
    expect(client.waits).toEqual([1000, 2000, 4000, 8000, 16_000]);
    expect(client.lines.slice(0, 2)).toEqual([
      `log: Registry ${gone}: ${why}; next try in 1.0 s (2 of 6)`,
      `log: Registry ${gone}: ${why}; next try in 2.0 s (3 of 6)`,
    ]);
  });

  test("is given up at the deadline", async () => {
    const { client, target } = setup({ deadline: Date.now() + 5000 });
    const gone = `127.0.0.1:${await freePort()}`;
    expect(await client.resolve({ ...target, registry: gone })).toMatchObject({
      failure: "unreachable",
      said: expect.stringContaining("after 3 tries: the time for it is over"),
    });
    expect(client.waits).toEqual([1000, 2000]);
  });

  test("may be silent only for a while", async () => {
    const { client, target, manifest, requests } = setup({ limits: { answer: 100, attempts: 2 } });
    registry().answer(manifest, silence);
    expect(await client.resolve(target)).toEqual({
      ok: false,
      failure: "unreachable",
      said: `${registry().host} did not answer within 0.1 s, after 2 tries`,
    });
    expect(requests()).toHaveLength(2);
  });

  test("has no TLS: that is said and not tried again", async () => {
    const { client, target } = setup();
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hi") });
    const plain = `127.0.0.1:${server.port}`;
    const result = await client.resolve({ ...target, registry: plain });
    await server.stop(true);
    const said = `${plain} does not speak TLS (EPROTO)`;
    expect(result).toEqual({ ok: false, failure: "no-tls", said });
    expect(client.waits).toEqual([]);
  });
});

describe("a registry with passing trouble", () => {
  test.each([
    ["500", status(500), 1000],
    ["503 with a time", status(503, { "Retry-After": "7" }), 7000],
    ["429", status(429), 1000],
    ["429 with seconds", status(429, { "Retry-After": "42" }), 42_000],
    ["408", status(408), 1000],
  ])("is asked again after %s", async (_, reaction, wait) => {
    const { client, target, manifest } = setup();
    registry().answer(manifest, reaction, found);
    expect(await client.resolve(target)).toEqual(FOUND);
    expect(client.waits).toEqual([wait]);
    expect(client.lines).toEqual([
      expect.stringMatching(
        /^log: Registry 127\.0\.0\.1:\d+: .*; next try in [\d.]+ s \(2 of 6\)$/,
      ),
    ]);
  });

  test("is asked again after cut connections", async () => {
    const { client, target, manifest } = setup();
    // Bun itself asks once more when a kept connection was cut.
    registry().answer(manifest, hangUp, hangUp, hangUp, found);
    expect(await client.resolve(target)).toEqual(FOUND);
    expect(client.lines[0]).toContain("the connection was cut (ECONNRESET); next try in 1.0 s");
  });

  test("is asked again at the date it names", async () => {
    const now = Date.parse("2026-11-24T12:00:00Z");
    const { client, target, manifest } = setup({ now: () => now, deadline: now + 600_000 });
    const headers = { "Retry-After": "Tue, 24 Nov 2026 12:02:00 GMT" };
    registry().answer(manifest, status(429, headers), found);
    expect(await client.resolve(target)).toEqual(FOUND);
    expect(client.waits).toEqual([120_000]);
  });

  test("that wants more time than there is ends the pull at once", async () => {
    const { client, target, manifest } = setup();
    const errors = { errors: [{ code: "TOOMANYREQUESTS", message: "pull rate limit" }] };
    const headers = { "Retry-After": "3600", "Content-Type": "application/json" };
    registry().answer(`HEAD ${manifest}`, status(405));
    registry().answer(`GET ${manifest}`, status(429, headers, JSON.stringify(errors)));
    expect(await client.resolve(target)).toEqual({
      ok: false,
      failure: "limited",
      said: expect.stringMatching(
        /answered 429 \("TOOMANYREQUESTS: pull rate limit"\), the registry wants to be asked again in 3600 s, but only \d+ s are left$/,
      ),
    });
    expect(client.waits).toEqual([]);
  });
});

describe("a manifest", () => {
  test.each([
    ["HEAD has no digest", status(200, { "Content-Type": MANIFEST_TYPE })],
    ["HEAD is not allowed", status(405)],
  ])("is fetched to know its digest where %s", async (_, head) => {
    const { client, target, manifest, requests } = setup();
    registry().answer(`HEAD ${manifest}`, head);
    registry().answer(`GET ${manifest}`, body(MANIFEST, MANIFEST_TYPE));
    expect(await client.resolve(target)).toEqual(FOUND);
    expect(requests()).toEqual(["HEAD /manifests/latest", "GET /manifests/latest"]);
  });

  test("that is a web page is none", async () => {
    const { client, target, manifest } = setup();
    registry().answer(manifest, body(PAGE, "text/html; charset=utf-8"));
    expect(await client.resolve(target)).toEqual({
      ok: false,
      failure: "other",
      said: `GET ${registry().host}${manifest} answered with text/html, wanted JSON`,
    });
    expect(client.waits).toEqual([]);
  });

  test("with other bytes than its digest is corrupt", async () => {
    const { client, target } = setup();
    registry().answer(`/v2/${target.repository}/manifests/${DIGEST}`, body('{"other":1}'));
    expect(await client.image(target, DIGEST, "amd64")).toMatchObject({ failure: "corrupt" });
    const lying = { ...target, reference: LAYER.digest };
    registry().answer(`/v2/${target.repository}/manifests/${LAYER.digest}`, found);
    expect(await client.resolve(lying)).toMatchObject({ failure: "corrupt" });
  });

  test("that never ends is not read to its end", async () => {
    const { client, target } = setup();
    const huge = body(Buffer.alloc(5_000_000, " "));
    registry().answer(`/v2/${target.repository}/manifests/${DIGEST}`, huge);
    expect(await client.image(target, DIGEST, "amd64")).toMatchObject({
      failure: "other",
      said: expect.stringContaining("has more than 4194304 bytes"),
    });
  });
});

describe("a cancelled job", () => {
  test("stops a download, and leaves no file", async () => {
    const controller = new AbortController();
    const { client, target, file, blob } = setup({ signal: controller.signal });
    registry().answer(blob, trickle(BLOB, 1000, 10));
    const result = await client.blob(target, LAYER, file, () => controller.abort());
    expect(result).toEqual({ ok: false, failure: "cancelled", said: "it was cancelled" });
    expect(existsSync(file)).toBe(false);
  });

  test("ends in a wait", async () => {
    const controller = new AbortController();
    const { client, target, manifest, requests } = setup({
      signal: controller.signal,
      sleep: async () => controller.abort(),
    });
    registry().answer(manifest, status(503, { "Retry-After": "60" }));
    const cancelled = { ok: false, failure: "cancelled", said: "it was cancelled" } as const;
    expect(await client.resolve(target)).toEqual(cancelled);
    expect(await client.resolve(target)).toEqual(cancelled);
    expect(requests()).toHaveLength(1);
  });

  test("does not wait for the end of a wait", async () => {
    const controller = new AbortController();
    const begun = performance.now();
    setTimeout(() => controller.abort(), 10);
    await sleepUnless(600_000, controller.signal);
    await sleepUnless(600_000, controller.signal);
    expect(performance.now() - begun).toBeLessThan(600_000);
  });
});

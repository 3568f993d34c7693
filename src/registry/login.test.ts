/** Who gets the account and the tokens, and who must not, with `bad-registry.ts` as registry, token service and storage. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BadRegistry,
  body,
  type Reaction,
  silence,
  startBadRegistry,
  status,
} from "../../test/fixtures/bad-registry.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { describe as describeContent, testClient } from "../../test/fixtures/registry-client.ts";
import { redact } from "../host/redact.ts";
import type { RegistryOptions } from "./types.ts";

const BLOB = Buffer.alloc(50_000, "layer ");
const LAYER = describeContent(BLOB, "application/vnd.oci.image.layer.v1.tar");
const TYPE = "application/vnd.oci.image.manifest.v1+json";
const ACCOUNT = { username: "tester", password: "secret-of-login-test" };
const FOUND = { "Docker-Content-Digest": LAYER.digest, "Content-Type": TYPE };

let directory: FreshDirectory;
let registry: BadRegistry;
let other: BadRegistry;
let count = 0;

beforeAll(async () => {
  directory = freshDirectory("registry-login");
  registry = await startBadRegistry(directory.path);
  other = await startBadRegistry(join(directory.path, "other"));
});
afterAll(() => {
  registry?.stop();
  other?.stop();
  directory?.remove();
});

function setup(changes: Partial<RegistryOptions> = {}) {
  const repository = `test/${count++}`;
  const path = `/v2/${repository}`;
  const of = (server: BadRegistry) => server.requests.filter((line) => line.includes(repository));
  return {
    target: { registry: registry.host, repository, reference: "latest" },
    file: join(directory.path, `blob-${count}`),
    manifest: `${path}/manifests/latest`,
    blob: `${path}/blobs/${LAYER.digest}`,
    realm: `/token/${repository}`,
    seen: () => of(registry).map((line) => line.replaceAll(repository, "R")),
    elsewhere: () => of(other).map((line) => line.replaceAll(repository, "R")),
    client: testClient(
      { caFile: join(directory.path, "both") },
      { account: ACCOUNT, caBundle: bundle(), ...changes },
    ),
  };
}

function bundle(): string {
  const file = join(directory.path, "both.pem");
  const texts = [registry, other].map(({ caFile }) => readFileSync(caFile, "utf8"));
  Bun.spawnSync(["tee", file], { stdin: Buffer.from(texts.join("\n")), stdout: "ignore" });
  return file;
}

function wants(authorization: string, challenge: string, granted: Reaction): Reaction {
  return (request, response) => {
    if (request.headers.authorization === authorization) granted(request, response);
    else status(401, { "WWW-Authenticate": challenge })(request, response);
  };
}

const bearer = (realm: string) => `Bearer realm="${realm}",service="s"`;
const token = (value: string, life = 300) =>
  body(JSON.stringify({ token: value, expires_in: life }), "application/json");

describe("tokens", () => {
  test("serve every request to the repository, also side by side", async () => {
    const { client, target, file, blob, realm, seen } = setup();
    const challenge = bearer(`https://${registry.host}${realm}`);
    registry.answer(realm, token("token-of-all"));
    registry.answer(blob, wants("Bearer token-of-all", challenge, body(BLOB)));
    const files = [0, 1, 2, 3, 4].map((place) => `${file}-${place}`);
    const all = await Promise.all(files.map((path) => client.blob(target, LAYER, path)));
    expect(all.every(({ ok }) => ok)).toBe(true);
    expect(seen().filter((line) => line.includes("/token/"))).toEqual([
      `GET /token/R?service=s&scope=${encodeURIComponent(`repository:${target.repository}:pull`)} Basic`,
    ]);
    expect(redact("a token-of-all b")).toBe("a [MASKED] b");
  });

  test("are renewed when the registry no longer takes them", async () => {
    const { client, target, file, manifest, blob, realm, seen } = setup();
    const challenge = bearer(`https://${registry.host}${realm}`);
    registry.answer(realm, token("first-token"), token("second-token"));
    registry.answer(manifest, wants("Bearer first-token", challenge, status(200, FOUND)));
    registry.answer(blob, wants("Bearer second-token", challenge, body(BLOB)));
    expect(await client.resolve(target)).toMatchObject({ ok: true });
    expect(await client.blob(target, LAYER, file)).toMatchObject({ ok: true });
    expect(seen().map((line) => line.replace(/\?\S*/, ""))).toEqual([
      "HEAD /v2/R/manifests/latest",
      "GET /token/R Basic",
      "HEAD /v2/R/manifests/latest Bearer",
      `GET /v2/R/blobs/${LAYER.digest} Bearer`,
      "GET /token/R Basic",
      `GET /v2/R/blobs/${LAYER.digest} Bearer`,
    ]);
    expect(client.waits).toEqual([]);
  });

  test("are not used after their end", async () => {
    let now = Date.now();
    const { client, target, manifest, realm, seen } = setup({ now: () => now });
    const challenge = bearer(`https://${registry.host}${realm}`);
    registry.answer(realm, token("short-token", 60));
    registry.answer(manifest, wants("Bearer short-token", challenge, status(200, FOUND)));
    await client.resolve(target);
    now += 55_000;
    await client.resolve(target);
    expect(seen().filter((line) => line === "HEAD /v2/R/manifests/latest")).toHaveLength(2);
  });

  test("that the registry does not take are no reason to go on asking", async () => {
    const { client, target, manifest, realm, seen } = setup();
    const challenge = bearer(`https://${registry.host}${realm}`);
    registry.answer(realm, token("useless-token"));
    registry.answer(manifest, status(401, { "WWW-Authenticate": challenge }));
    expect(await client.resolve(target)).toMatchObject({ failure: "denied" });
    expect(seen()).toHaveLength(3);
  });

  test("are asked for again when the token service has passing trouble", async () => {
    const { client, target, manifest, realm } = setup();
    const challenge = bearer(`https://${registry.host}${realm}`);
    registry.answer(realm, status(502), token("late-token"));
    registry.answer(manifest, wants("Bearer late-token", challenge, status(200, FOUND)));
    expect(await client.resolve(target)).toMatchObject({ ok: true });
    expect(client.waits).toEqual([1000]);
  });

  test.each([
    ["a web page", body("<html></html>", "text/html"), "other", "answered without a token"],
    ["a token with a line end", token("a\r\nb"), "other", "strange token"],
    ["403", status(403), "denied", 'answered 403 to the account "tester"'],
    ["404", status(404), "other", "answered 404"],
  ])("cannot be had from a service that answers %s", async (_, reaction, failure, said) => {
    const { client, target, manifest, realm } = setup();
    registry.answer(realm, reaction);
    const challenge = bearer(`https://${registry.host}${realm}`);
    registry.answer(manifest, status(401, { "WWW-Authenticate": challenge }));
    const result = await client.resolve(target);
    expect(result).toEqual({
      ok: false,
      failure: failure === "denied" ? "denied" : "other",
      said: expect.stringContaining(said),
    });
    expect(client.waits).toEqual([]);
  });

  test.each([
    ["is without TLS", bearer("http://127.0.0.1:9/token"), "no-tls", "has no TLS"],
    ["is no URL", bearer("token"), "other", 'names no token service: "token"'],
    ["is of an unknown kind", "Negotiate", "other", 'of an unknown kind: "Negotiate"'],
  ])("are not asked for where the login %s", async (_, challenge, failure, said) => {
    const { client, target, manifest } = setup();
    registry.answer(manifest, status(401, { "WWW-Authenticate": challenge }));
    expect(await client.resolve(target)).toEqual({
      ok: false,
      failure: failure === "no-tls" ? "no-tls" : "other",
      said: expect.stringContaining(said),
    });
  });
});

describe("redirects", () => {
  /** The same server under another name counts as another host, as the storage of a registry does. */
  const location = (host: string, path: string) => ({ Location: `https://${host}${path}` });

  test.each([301, 302, 303, 307, 308])(
    "by %p lead to a storage that gets no account",
    async (code) => {
      const { client, target, file, blob, seen, elsewhere } = setup();
      const storage = `/storage/${target.repository}`;
      const there = location(other.host, `${storage}?signature=hidden`);
      registry.answer(
        blob,
        wants("Basic dGVzdGVyOnNlY3JldC1vZi1sb2dpbi10ZXN0", 'Basic realm="r"', status(code, there)),
      );
      other.answer(storage, body(BLOB));
      expect(await client.blob(target, LAYER, file)).toMatchObject({ ok: true });
      expect(seen().at(-1)).toBe(`GET /v2/R/blobs/${LAYER.digest} Basic`);
      expect(elsewhere()).toEqual(["GET /storage/R?signature=hidden"]);
    },
  );

  test("within the registry keep the account", async () => {
    const { client, target, file, blob, seen } = setup();
    const there = { Location: `/moved/${target.repository}` };
    registry.answer(
      blob,
      wants(`Basic ${btoa("tester:secret-of-login-test")}`, 'Basic realm="r"', status(307, there)),
    );
    registry.answer(`/moved/${target.repository}`, body(BLOB));
    expect(await client.blob(target, LAYER, file)).toMatchObject({ ok: true });
    expect(seen().at(-1)).toBe("GET /moved/R Basic");
  });

  test("to a storage that wants a login of its own do not get ours", async () => {
    const { client, target, file, blob, elsewhere } = setup();
    const storage = `/storage/${target.repository}`;
    registry.answer(blob, status(307, location(other.host, `${storage}?signature=hidden`)));
    other.answer(storage, status(401, { "WWW-Authenticate": 'Basic realm="mine"' }));
    expect(await client.blob(target, LAYER, file)).toEqual({
      ok: false,
      failure: "other",
      said: `GET ${other.host}${storage} answered 401`,
    });
    expect(elsewhere()).toEqual(["GET /storage/R?signature=hidden"]);
  });

  test("of the token service do not carry the account away", async () => {
    const { client, target, manifest, realm, elsewhere } = setup();
    registry.answer(realm, status(307, location(other.host, realm)));
    other.answer(realm, token("token-from-elsewhere"));
    const challenge = bearer(`https://${registry.host}${realm}`);
    registry.answer(manifest, status(401, { "WWW-Authenticate": challenge }));
    expect(await client.resolve(target)).toMatchObject({ failure: "denied" });
    expect(elsewhere()).toEqual(["GET /token/R"]);
  });

  test.each([
    [
      "out of TLS",
      { Location: "http://127.0.0.1:9/blob" },
      "no-tls",
      "redirects to 127.0.0.1:9 without TLS",
    ],
    ["to nowhere", {}, "other", "redirects to nowhere"],
    ["to a file", { Location: "file:///etc/passwd" }, "other", "redirects to nowhere"],
  ])("%s are not followed", async (_, headers, failure, said) => {
    const { client, target, file, blob } = setup();
    registry.answer(blob, status(307, headers as Record<string, string>));
    expect(await client.blob(target, LAYER, file)).toEqual({
      ok: false,
      failure: failure === "no-tls" ? "no-tls" : "other",
      said: expect.stringContaining(said),
    });
  });

  test("in a circle come to an end", async () => {
    const { client, target, file, blob, seen } = setup();
    registry.answer(blob, status(302, { Location: blob }));
    expect(await client.blob(target, LAYER, file)).toMatchObject({
      failure: "other",
      said: `${registry.host} redirects more than 5 times`,
    });
    expect(seen()).toHaveLength(6);
  });
});

test("a registry that is silent after its redirect is given up as well", async () => {
  const limits = { answer: 100, attempts: 1 };
  const { client, target, file, blob } = setup({ limits });
  const storage = `/storage/${target.repository}`;
  registry.answer(blob, status(302, { Location: `https://${other.host}${storage}` }));
  other.answer(storage, silence);
  expect(await client.blob(target, LAYER, file)).toMatchObject({ failure: "unreachable" });
});

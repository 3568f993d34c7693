import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import {
  type BadRegistry,
  body,
  hangUp,
  startBadRegistry,
  status,
  trickle,
} from "../fixtures/bad-registry.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { type BuiltLayer, digestOf, file, layerOf, tarOf } from "../fixtures/layers.ts";
import { mustRun } from "../fixtures/must-run.ts";
import { cacheOf, containerJob } from "./container-site.ts";
import { makeSite, type Site } from "./site.ts";

// Whole jobs against a registry that stands in for failures which a real one cannot be brought to; see bad-registry.ts.

const REPOSITORY = "/v2/ci/tool";
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

let dir = "";
let registry: BadRegistry;
let here: Site;
/** A root with a shell, and a small layer over it. */
let layers: readonly BuiltLayer[] = [];
const sites: Site[] = [];

beforeAll(async () => {
  dir = mkdtempSync("/var/tmp/jacamar-cache-registry-");
  registry = await startBadRegistry(`${dir}/registry`);
  const root = tinyRoot(`${dir}/root`);
  mustRun(["tar", "-C", root, "--owner=0", "--group=0", "-cf", `${dir}/root.tar`, "."]);
  const base = readFileSync(`${dir}/root.tar`);
  layers = [layerOf(base), layerOf(tarOf([file("version", "one\n")]), "zstd")];
});
afterAll(() => {
  registry.stop();
  for (const site of sites) site.close();
  rmSync(dir, { recursive: true });
});
beforeEach(() => {
  const general = [`user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`];
  here = makeSite({ charliecloud: [], general });
  sites.push(here);
  offer(layers);
});

/** Lets the registry answer as it should for an image of these layers; gives the manifest's text. */
function offer(image: readonly BuiltLayer[], changes: object = {}): string {
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: { Env: ["FROM_IMAGE=yes"] },
    rootfs: { type: "layers", diff_ids: image.map(({ diffId }) => diffId) },
    ...changes,
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: digestOf(config),
      size: Buffer.byteLength(config),
    },
    layers: image.map(({ blob, mediaType, digest }) => ({ mediaType, digest, size: blob.length })),
  });
  const digest = { "docker-content-digest": digestOf(manifest) };
  for (const name of ["latest", digestOf(manifest)])
    registry.answer(`${REPOSITORY}/manifests/${name}`, body(manifest, MANIFEST_TYPE, digest));
  registry.answer(blobPath(digestOf(config)), body(config));
  for (const layer of image) registry.answer(blobPath(layer.digest), body(layer.blob));
  return manifest;
}

function blobPath(digest: string): string {
  return `${REPOSITORY}/blobs/${digest}`;
}

function run(script: readonly string[] = ["cat /version", "echo image=$FROM_IMAGE"]) {
  return here.runner().run(containerJob(`${registry.host}/ci/tool`, { script }));
}

/** Nothing of a fill that failed may be left, but for whole layers. */
function expectNothingTorn(): void {
  expect(readdirSync(`${cacheOf(here)}/entries`)).toEqual([]);
  expect(readdirSync(`${cacheOf(here)}/tmp`)).toEqual([]);
  expect(readdirSync(`${cacheOf(here)}/filling`)).toEqual([]);
}

async function expectSuccess(): Promise<void> {
  const result = await run();
  expect([result.status, result.log.match(/^(one|image=yes)$/gm)]).toEqual([
    "success",
    ["one", "image=yes"],
  ]);
}

test("gzip and zstd layers, ENV of the image", expectSuccess);

test("429 with Retry-After, 500 and cut connections are tried again, and the log says so", async () => {
  const manifest = offer(layers);
  const [base, top] = layers;
  if (base === undefined || top === undefined) throw new Error("there are two layers");
  const good = body(manifest, MANIFEST_TYPE, { "docker-content-digest": digestOf(manifest) });
  registry.answer(`${REPOSITORY}/manifests/latest`, status(429, { "Retry-After": "1" }), good);
  registry.answer(blobPath(base.digest), hangUp, body(base.blob));
  registry.answer(blobPath(top.digest), status(503), body(top.blob));
  const result = await run();
  expect([result.status, result.attempts]).toEqual(["success", 1]);
  expect(result.log).toMatch(/429/);
  expect(result.log).toMatch(/503/);
});

test("a registry that only fails is a system failure, and leaves nothing", async () => {
  registry.answer(`${REPOSITORY}/manifests/latest`, status(500));
  const result = await run();
  expect([result.failureReason, result.attempts]).toEqual(["runner_system_failure", 3]);
  expect(result.log).toContain("500");
  expectNothingTorn();
}, 90_000);

test("a web page instead of a registry is no image", async () => {
  const page = body("<html>Please log in</html>", "text/html");
  registry.answer(`${REPOSITORY}/manifests/latest`, page);
  const result = await run();
  expect(result.failureReason).toBe("runner_system_failure");
  expect(result.log).toContain("text/html");
  expectNothingTorn();
});

test("a layer that is another one, or shorter than it should be, is never used", async () => {
  const [base, top] = layers;
  if (base === undefined || top === undefined) throw new Error("there are two layers");
  const other = Buffer.from(top.blob);
  other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
  for (const wrong of [other, top.blob.subarray(0, top.blob.length - 3)]) {
    registry.answer(blobPath(top.digest), body(wrong));
    const result = await run();
    expect(result.failureReason).toBe("runner_system_failure");
    expect(result.log).toContain(top.digest.slice(0, 15));
    expectNothingTorn();
  }
  offer(layers);
  const before = registry.requests.length;
  await expectSuccess();
  // What was whole is not fetched again.
  expect(registry.requests.slice(before).join()).not.toContain(base.digest);
}, 90_000);

test("a pull that is cancelled stops at once, and the next job is not in its way", async () => {
  const [base] = layers;
  if (base === undefined) throw new Error("there is a layer");
  registry.answer(blobPath(base.digest), trickle(base.blob, 1000, 100));
  const asked = registry.requests.length;
  const cut = await here.runner().run(containerJob(`${registry.host}/ci/tool`), {
    cancelDuring: { stage: "prepare", onText: "Pulling " },
  });
  expect(registry.requests.length).toBeGreaterThan(asked);
  expect(cut.status).toBe("canceled");
  expect(cut.hooks.find(({ hook }) => hook === "prepare")?.code).toBe(2);
  expectNothingTorn();
  offer(layers);
  await expectSuccess();
});

test("an index without this host's architecture is the user's fault", async () => {
  const manifest = offer(layers);
  const type = "application/vnd.oci.image.index.v1+json";
  const one = (architecture: string) => ({
    mediaType: MANIFEST_TYPE,
    digest: digestOf(manifest),
    size: Buffer.byteLength(manifest),
    platform: { architecture, os: "linux" },
  });
  const index = (...architectures: string[]) => {
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      manifests: architectures.map(one),
    });
    const answer = body(text, type, { "docker-content-digest": digestOf(text) });
    registry.answer(`${REPOSITORY}/manifests/latest`, answer);
    registry.answer(`${REPOSITORY}/manifests/${digestOf(text)}`, answer);
  };
  const mine = process.arch === "arm64" ? "arm64" : "amd64";
  index("s390x", "ppc64le");
  const result = await run();
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(result.log).toContain("s390x");
  index("s390x", mine);
  await expectSuccess();
});

test("what a layer tries to put elsewhere stays inside, or the image is refused", async () => {
  const [base] = layers;
  if (base === undefined) throw new Error("there is a layer");
  offer([base, layerOf(tarOf([file(`../../../../${dir}/escaped`, "x")]))]);
  const result = await run(["true"]);
  expect([result.failureReason, result.attempts]).toEqual(["script_failure", 1]);
  expect(() => statSync(`${dir}/escaped`)).toThrow();
  const device = { path: "dev/kmem", type: "3", mode: 0o666 };
  offer([base, layerOf(tarOf([file("bin/suid", "#!/bin/sh\n", 0o4755), device]))]);
  const odd = await run(["ls -ln /bin/suid", "[ ! -c /dev/kmem ] || ls -l /dev/kmem"]);
  expect(odd.status).toBe("success");
  expect(odd.log).toMatch(/^-rwxr-xr-x .*\/bin\/suid$/m);
});

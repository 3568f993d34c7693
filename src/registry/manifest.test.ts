import { describe, expect, test } from "bun:test";
import { readConfig } from "./image-config.ts";
import { readManifest } from "./manifest.ts";

const OCI = "application/vnd.oci.image";
const DOCKER = "application/vnd.docker";
const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

function manifest(layerType: string, changes = {}) {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: { mediaType: `${OCI}.config.v1+json`, digest: digest("c"), size: 10 },
    layers: [{ mediaType: layerType, digest: digest("1"), size: 20 }],
    ...changes,
  });
}

function index(platforms: readonly (string | undefined)[], mediaType = `${OCI}.index.v1+json`) {
  const manifests = platforms.map((platform, place) => {
    const [os, architecture, variant] = platform?.split("/") ?? [];
    const entry = {
      mediaType: `${OCI}.manifest.v1+json`,
      digest: digest(String(place)),
      size: 500,
    };
    return platform === undefined ? entry : { ...entry, platform: { os, architecture, variant } };
  });
  return JSON.stringify({ schemaVersion: 2, mediaType, manifests });
}

describe("readManifest() of an image", () => {
  test.each([
    `${OCI}.layer.v1.tar`,
    `${OCI}.layer.v1.tar+gzip`,
    `${OCI}.layer.v1.tar+zstd`,
    `${DOCKER}.image.rootfs.diff.tar`,
    `${DOCKER}.image.rootfs.diff.tar.gzip`,
    `${DOCKER}.image.rootfs.diff.tar.zstd`,
  ])("takes layers of the type %s", (mediaType) => {
    expect(readManifest(manifest(mediaType), "", "amd64")).toEqual({
      ok: true,
      value: {
        kind: "manifest",
        config: { mediaType: `${OCI}.config.v1+json`, digest: digest("c"), size: 10 },
        layers: [{ mediaType, digest: digest("1"), size: 20 }],
      },
    });
  });

  test.each([
    [`${OCI}.layer.v1.tar+gzip+encrypted`, "it has an encrypted layer"],
    [`${OCI}.layer.nondistributable.v1.tar+gzip`, "it has a layer that its registry does not hold"],
    [
      `${DOCKER}.image.rootfs.foreign.diff.tar.gzip`,
      "it has a layer that its registry does not hold",
    ],
    ["application/vnd.sylabs.sif.layer.v1.sif", "it has a layer of an unknown type"],
  ])("refuses layers of the type %s", (mediaType, said) => {
    expect(readManifest(manifest(mediaType), "", "amd64")).toEqual({
      ok: false,
      failure: "unsuitable",
      said: `${said} (${mediaType})`,
    });
  });

  const helm = {
    mediaType: "application/vnd.cncf.helm.config.v1+json",
    digest: digest("c"),
    size: 1,
  };
  test.each([
    ["a Helm chart", manifest("x", { config: helm }), "unsuitable", "no container image"],
    ["schema 1", '{"schemaVersion": 1, "fsLayers": []}', "unsuitable", "schema 1"],
    ["another document", '{"a": 1}', "unsuitable", "it is no container image, but text/json"],
    ["text", "hello", "other", 'its manifest is no JSON object: "hello"'],
    ["a list", "[]", "other", "no JSON object"],
    ["no configuration", manifest("x", { config: undefined }), "other", "names no configuration"],
    [
      "a layer with a short digest",
      manifest("x", { layers: [{ digest: "sha256:1", size: 1 }] }),
      "other",
      "without digest or size",
    ],
    [
      "a layer with a negative size",
      manifest("x", { layers: [{ digest: digest("1"), size: -1 }] }),
      "other",
      "without digest or size",
    ],
  ])("refuses %s", (_, text, failure, said) => {
    expect(readManifest(text, "text/json", "amd64")).toEqual({
      ok: false,
      failure: failure === "other" ? "other" : "unsuitable",
      said: expect.stringContaining(said),
    });
  });

  test("goes by the Content-Type or the content if the document does not name its type", () => {
    const text = manifest(`${OCI}.layer.v1.tar`, { mediaType: undefined });
    const read = (type: string) => readManifest(text, type, "amd64");
    expect(read(`${DOCKER}.distribution.manifest.v2+json`)).toEqual(read("application/json"));
    expect(read("").ok).toBe(true);
  });
});

describe("readManifest() of an index", () => {
  test.each([
    ["the architecture", ["linux/arm64/v8", "linux/amd64"], "amd64", "1"],
    ["the architecture", ["linux/arm64/v8", "linux/amd64"], "arm64", "0"],
    ["Linux", ["windows/amd64", "linux/amd64"], "amd64", "1"],
    [
      "what runs on every machine",
      ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"],
      "amd64",
      "2",
    ],
    ["the lowest variant", ["linux/amd64/v3", "linux/amd64/v2"], "amd64", "1"],
    ["the first of equals", ["linux/arm64", "linux/arm64"], "arm64", "0"],
    ["v8 before v9", ["linux/arm64/v9", "linux/arm64/v8"], "arm64", "1"],
    ["no attestation", ["unknown/unknown", "linux/amd64"], "amd64", "1"],
    ["the only entry, without a platform", [undefined], "arm64", "0"],
  ] as const)("picks %s", (_, platforms, architecture, place) => {
    const chosen = {
      mediaType: `${OCI}.manifest.v1+json`,
      digest: digest(place),
      size: 500,
    };
    for (const type of [`${OCI}.index.v1+json`, `${DOCKER}.distribution.manifest.list.v2+json`]) {
      expect(readManifest(index(platforms, type), "", architecture)).toEqual({
        ok: true,
        value: { kind: "index", chosen },
      });
    }
  });

  test.each([
    [["linux/s390x", "linux/arm/v7", "unknown/unknown"], "only for linux/s390x, linux/arm/v7"],
    [["windows/amd64"], "only for windows/amd64"],
    [[undefined, undefined], "only entries without a platform"],
    [[], "only entries without a platform"],
  ])("refuses one with %p", (platforms, said) => {
    expect(readManifest(index(platforms), "", "amd64")).toEqual({
      ok: false,
      failure: "unsuitable",
      said: `it has no image for linux/amd64, ${said}`,
    });
  });
});

describe("readConfig()", () => {
  const layers = [{ mediaType: "x", digest: digest("1"), size: 1 }];
  const rootfs = { type: "layers", diff_ids: [digest("d")] };

  test("gives each layer the digest of its tar, and the job what it needs", () => {
    const config = {
      Env: ["A=b", 5],
      Entrypoint: ["/e"],
      Cmd: null,
      WorkingDir: "/w",
      User: "app",
    };
    const raw = JSON.stringify({ architecture: "arm64", os: "linux", config, rootfs });
    expect(readConfig(raw, layers)).toEqual({
      ok: true,
      value: {
        config: {
          architecture: "arm64",
          os: "linux",
          Env: ["A=b"],
          Entrypoint: ["/e"],
          Cmd: [],
          WorkingDir: "/w",
          User: "app",
          raw,
        },
        layers: [{ mediaType: "x", digest: digest("1"), size: 1, diffId: digest("d") }],
      },
    });
  });

  test("takes one without a config section", () => {
    expect(readConfig(JSON.stringify({ rootfs }), layers)).toMatchObject({
      ok: true,
      value: { config: { Env: [], WorkingDir: "" } },
    });
  });

  test.each([
    ["another system", { os: "windows", rootfs }, "unsuitable", "it is for windows, wanted linux"],
    [
      "too few layers",
      { rootfs: { diff_ids: [] } },
      "corrupt",
      "its configuration lists 0 layers, its manifest 1",
    ],
    ["no layers", {}, "corrupt", "its configuration lists 0 layers, its manifest 1"],
    ["a list", [], "corrupt", "its configuration is no JSON object"],
  ])("refuses %s", (_, document, failure, said) => {
    expect(readConfig(JSON.stringify(document), layers)).toMatchObject({
      ok: false,
      failure,
      said,
    });
  });
});

/** With Debian's docker-registry, over TLS, with each kind of login. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { tinyRoot } from "../../test/fixtures/images.ts";
import {
  type Account,
  type Registry,
  startRegistry,
  TESTER,
} from "../../test/fixtures/registry.ts";
import {
  describe as describeContent,
  pusher,
  testClient,
} from "../../test/fixtures/registry-client.ts";

const JOB: Account = { username: "gitlab-ci-token", password: "job-token-of-this-test" };
const IMPOSTOR: Account = { ...TESTER, password: "guessed-password" };
const LAYER = "application/vnd.oci.image.layer.v1.tar";

let directory: FreshDirectory;
let root: string;

beforeAll(() => {
  directory = freshDirectory("registry-client");
  root = tinyRoot(join(directory.path, "root"), { shell: false });
});
afterAll(() => directory?.remove());

describe.each(["none", "basic", "token"] as const)("with the login %p", (auth) => {
  let registry: Registry;
  beforeAll(async () => {
    const dir = join(directory.path, auth);
    registry = await startRegistry({ dir, auth, jobToken: JOB.password });
    registry.push("ci/tiny", root, { env: { GREETING: "hello" } });
    registry.push("public/tiny", root);
  });
  afterAll(() => registry?.stop());

  const target = (repository = "ci/tiny", reference = "latest") => ({
    registry: registry.host,
    repository,
    reference,
  });
  const withAccount = (account: Account | undefined) =>
    testClient(registry, account === undefined ? {} : { account });

  test("a tag is resolved, and its image and layers are fetched whole", async () => {
    const client = withAccount(auth === "none" ? undefined : TESTER);
    const before = registry.requests().length;
    const resolved = await client.resolve(target());
    if (!resolved.ok) throw new Error(resolved.said);
    const image = await client.image(target(), resolved.value.digest, "amd64");
    if (!image.ok) throw new Error(image.said);
    expect(image.value).toMatchObject({
      digest: resolved.value.digest,
      config: { Env: ["GREETING=hello"] },
    });

    for (const [place, layer] of image.value.layers.entries()) {
      const file = join(directory.path, `${auth}-layer-${place}`);
      let bytes = 0;
      const got = await client.blob(target(), layer, file, (more) => {
        bytes += more;
      });
      expect({ got, bytes }).toEqual({ got: { ok: true, value: undefined }, bytes: layer.size });
      const content = readFileSync(file);
      expect(describeContent(content, layer.mediaType)).toMatchObject({
        digest: layer.digest,
        size: layer.size,
      });
      const tar = Bun.gunzipSync(content);
      expect(describeContent(tar, "").digest).toBe(layer.diffId);
    }
    expect(image.value.layers.length).toBeGreaterThan(0);
    // One challenge for everything; without a login none.
    const refused = registry
      .requests()
      .slice(before)
      .filter((line) => line.endsWith(" 401"));
    expect(refused).toHaveLength(auth === "none" ? 0 : 1);
    if (auth === "token")
      expect(registry.tokenRequests().at(-1)).toEqual({
        scopes: ["repository:ci/tiny:pull"],
        user: "tester",
        status: 200,
      });
  });

  test("what is not there is missing, and not asked for twice", async () => {
    const client = withAccount(auth === "none" ? undefined : TESTER);
    const noTag = await client.resolve(target("ci/tiny", "no-such-tag"));
    const noImage = await client.resolve(target("ci/no-such-image"));
    const digest = `sha256:${"0".repeat(64)}`;
    const noDigest = await client.image(target(), digest, "amd64");
    expect([noTag, noImage, noDigest]).toMatchObject([
      { ok: false, failure: "missing" },
      { ok: false, failure: "missing" },
      { ok: false, failure: "missing", said: expect.stringContaining("MANIFEST_UNKNOWN") },
    ]);
    expect(client.waits).toEqual([]);
  });

  if (auth !== "none")
    test("a wrong account or none is denied at once", async () => {
      const impostor = withAccount(IMPOSTOR);
      const nobody = withAccount(undefined);
      const denied = [await impostor.resolve(target()), await nobody.resolve(target())];
      expect(denied).toMatchObject([
        { ok: false, failure: "denied" },
        { ok: false, failure: "denied" },
      ]);
      expect([...impostor.waits, ...nobody.waits]).toEqual([]);
      expect(JSON.stringify(denied)).not.toContain(IMPOSTOR.password);
    });

  if (auth === "token")
    test("the job's token and anonymous pulls work", async () => {
      expect(await withAccount(JOB).resolve(target())).toMatchObject({ ok: true });
      expect(await withAccount(undefined).resolve(target("public/tiny"))).toMatchObject({
        ok: true,
      });
      expect(await withAccount(IMPOSTOR).resolve(target("public/tiny"))).toMatchObject({
        ok: false,
        failure: "denied",
        said: expect.stringMatching(/jwt\/auth answered 401 .* to the account "tester"$/),
      });
    });
});

describe("without a login", () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startRegistry({ dir: join(directory.path, "plain"), auth: "none" });
  });
  afterAll(() => registry?.stop());

  const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
  const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

  async function pushImage(name: string, architecture: string, tag: string, layer: string) {
    const push = pusher(registry, name);
    const layers = [await push.blob(layer, LAYER)];
    const rootfs = { type: "layers", diff_ids: layers.map(({ digest }) => digest) };
    const config = JSON.stringify({ architecture, os: "linux", rootfs });
    const document = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: await push.blob(config, "application/vnd.oci.image.config.v1+json"),
      layers,
    };
    return { layers, manifest: await push.manifest(document, tag) };
  }
  const target = (repository: string, reference = "latest") => ({
    registry: registry.host,
    repository,
    reference,
  });
  /** Where the registry keeps a blob's bytes. */
  const stored = (digest: string) => {
    const hex = digest.slice(7);
    const blobs = join(directory.path, "plain/blobs/docker/registry/v2/blobs/sha256");
    return join(blobs, hex.slice(0, 2), hex, "data");
  };

  test("an index leads to the architecture, and says so when it has none for it", async () => {
    const [amd, arm] = [
      await pushImage("ci/multi", "amd64", "amd", "the amd64 layer"),
      await pushImage("ci/multi", "arm64", "arm", "the arm64 layer"),
    ];
    const entry = (one: typeof amd, architecture: string) => ({
      ...one.manifest,
      platform: { os: "linux", architecture },
    });
    const push = pusher(registry, "ci/multi");
    const manifests = [entry(amd, "amd64"), entry(arm, "arm64")];
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
    await push.manifest(index, "latest");
    await push.manifest({ ...index, manifests: manifests.slice(0, 1) }, "one");
    const client = testClient(registry);

    const resolved = await client.resolve(target("ci/multi"));
    if (!resolved.ok) throw new Error(resolved.said);
    expect(resolved.value).toEqual({
      digest: describeContent(JSON.stringify(index), "").digest,
      mediaType: OCI_INDEX,
    });
    for (const [architecture, one] of [
      ["amd64", amd],
      ["arm64", arm],
    ] as const) {
      const image = await client.image(target("ci/multi"), resolved.value.digest, architecture);
      const { digest } = one.manifest;
      expect(image).toMatchObject({ ok: true, value: { digest, config: { architecture } } });
    }
    const single = await client.resolve(target("ci/multi", "one"));
    if (!single.ok) throw new Error(single.said);
    expect(await client.image(target("ci/multi"), single.value.digest, "arm64")).toEqual({
      ok: false,
      failure: "unsuitable",
      said: `${registry.host}/ci/multi@${single.value.digest}: it has no image for linux/arm64, only for linux/amd64`,
    });
    expect(client.lines).toEqual([]);
  });

  test("an image that says it is for another machine is taken with a warning", async () => {
    const { manifest } = await pushImage("ci/label", "arm64", "latest", "a layer");
    const client = testClient(registry);
    expect(await client.image(target("ci/label"), manifest.digest, "amd64")).toMatchObject({
      ok: true,
    });
    expect(client.lines).toEqual([
      `warn: ${registry.host}/ci/label@${manifest.digest} says that it is for "arm64", not for amd64`,
    ]);
  });

  test("a layer that was changed or cut on the registry's disk is corrupt", async () => {
    const changed = await pushImage("ci/changed", "amd64", "latest", "what was pushed");
    const cut = await pushImage("ci/cut", "amd64", "latest", "what was pushed whole");
    const [changedLayer, cutLayer] = [changed.layers[0], cut.layers[0]];
    if (!changedLayer || !cutLayer) throw new Error("no layers");
    writeFileSync(stored(changedLayer.digest), "what was pushes");
    truncateSync(stored(cutLayer.digest), 5);
    const client = testClient(registry);
    const file = join(directory.path, "corrupt");

    const results = [
      await client.blob(target("ci/changed"), changedLayer, file),
      await client.blob(target("ci/cut"), cutLayer, file),
    ];

    expect(results).toEqual([
      {
        ok: false,
        failure: "corrupt",
        said: `GET ${registry.host}/v2/ci/changed/blobs/${changedLayer.digest} has the digest ${describeContent("what was pushes", "").digest}`,
      },
      { ok: false, failure: "corrupt", said: expect.stringContaining("has 5 bytes") },
    ]);
    expect([existsSync(file), client.waits]).toEqual([false, []]);
  });

  test("a manifest that was changed on the registry's disk is corrupt", async () => {
    const { manifest } = await pushImage("ci/manifest", "amd64", "latest", "some layer");
    const path = stored(manifest.digest);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace('"schemaVersion":2', '"schemaVersion" :2'),
    );
    const client = testClient(registry);
    expect(await client.image(target("ci/manifest"), manifest.digest, "amd64")).toMatchObject({
      failure: "corrupt",
      said: expect.stringContaining("has the digest sha256:"),
    });
  });

  test("a file that is there already is left alone", async () => {
    const { layers } = await pushImage("ci/there", "amd64", "latest", "a layer of its own");
    const [layer] = layers;
    if (!layer) throw new Error("no layer");
    const client = testClient(registry);
    const there = join(directory.path, "there");
    writeFileSync(there, "mine");
    expect(await client.blob(target("ci/there"), layer, there)).toMatchObject({
      ok: false,
      failure: "other",
      said: expect.stringContaining("EEXIST"),
    });
    expect(readFileSync(there, "utf8")).toBe("mine");
  });
});

/** Downloads that are cut, wrong, slow or too large, with `bad-registry.ts`; waits take no time. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BadRegistry,
  body,
  cutAfter,
  startBadRegistry,
  status,
  trickle,
} from "../../test/fixtures/bad-registry.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { describe as describeContent, testClient } from "../../test/fixtures/registry-client.ts";
import type { RegistryOptions } from "./types.ts";

const BLOB = Buffer.alloc(250_000, "layer ");
const LAYER = describeContent(BLOB, "application/vnd.oci.image.layer.v1.tar");

let directory: FreshDirectory;
let registry: BadRegistry;
let count = 0;

beforeAll(async () => {
  directory = freshDirectory("registry-failures");
  registry = await startBadRegistry(directory.path);
});
afterAll(() => {
  registry?.stop();
  directory?.remove();
});

/** A repository of its own, so that tests do not meet. */
function setup(changes: Partial<RegistryOptions> = {}) {
  const repository = `test/${count++}`;
  const target = { registry: registry.host, repository, reference: "latest" };
  const file = join(directory.path, `blob-${count}`);
  const path = `/v2/${repository}`;
  const requests = () =>
    registry.requests
      .filter((line) => line.includes(`${path}/`))
      .map((line) => line.replace(path, ""));
  return {
    target,
    file,
    requests,
    blob: `${path}/blobs/${LAYER.digest}`,
    client: testClient(registry, changes),
  };
}

describe("a blob", () => {
  const whole = (file: string) => readFileSync(file).equals(BLOB);

  test("whose connection is cut goes on where it stopped", async () => {
    const { client, target, file, blob, requests } = setup();
    registry.answer(blob, cutAfter(BLOB, 100_000));
    let bytes = 0;
    const result = await client.blob(target, LAYER, file, (more) => {
      bytes += more;
    });
    expect(result).toEqual({ ok: true, value: undefined });
    expect([whole(file), bytes]).toEqual([true, BLOB.length]);
    const [first, second, third] = requests();
    expect(first).toBe(`GET /blobs/${LAYER.digest}`);
    expect([second, third]).toEqual([
      expect.stringMatching(/ bytes=\d+-$/),
      expect.stringMatching(/ bytes=\d+-$/),
    ]);
  });

  test.each([
    ["sends all of it again", body(BLOB)],
    ["cannot go on", status(416)],
  ])("begins anew where the registry %s", async (_, second) => {
    const { client, target, file, blob } = setup();
    registry.answer(blob, cutAfter(BLOB, 100_000), second, body(BLOB));
    const progress: number[] = [];
    const result = await client.blob(target, LAYER, file, (more) => {
      progress.push(more);
    });
    expect(result).toEqual({ ok: true, value: undefined });
    expect(whole(file)).toBe(true);
    expect(progress.some((step) => step < 0)).toBe(true);
    expect(progress.reduce((sum, step) => sum + step, 0)).toBe(BLOB.length);
  });

  test("put together from pieces that do not fit is fetched once more", async () => {
    const { client, target, file, blob } = setup();
    const other = Buffer.alloc(BLOB.length, "other ");
    registry.answer(blob, cutAfter(BLOB, 100_000), cutAfter(other, BLOB.length), body(BLOB));
    expect(await client.blob(target, LAYER, file)).toEqual({ ok: true, value: undefined });
    expect(whole(file)).toBe(true);
  });

  test("that is cut again and again without progress is given up, and leaves no file", async () => {
    const { client, target, file, blob, requests } = setup();
    registry.answer(blob, cutAfter(BLOB, 100_000), cutAfter(BLOB, 0));
    expect(await client.blob(target, LAYER, file)).toMatchObject({
      failure: "unreachable",
      said: expect.stringMatching(/after 6 tries$/),
    });
    expect([existsSync(file), requests().length]).toEqual([false, 6]);
  });

  test("that trickles is stopped; one that is slow but moves is not", async () => {
    const limits = { stallWindow: 200, stallBytes: 2000, attempts: 1 };
    const slow = setup({ limits });
    registry.answer(slow.blob, trickle(BLOB, 50_000, 100));
    expect(await slow.client.blob(slow.target, LAYER, slow.file)).toMatchObject({ ok: true });

    const stalled = setup({ limits });
    registry.answer(stalled.blob, trickle(BLOB, 10, 10));
    expect(await stalled.client.blob(stalled.target, LAYER, stalled.file)).toMatchObject({
      failure: "unreachable",
      said: expect.stringMatching(/sent only \d+ bytes in 0\.2 s, after 1 try$/),
    });
    expect(existsSync(stalled.file)).toBe(false);
  });

  test("that would take longer than the deadline is stopped there", async () => {
    const { client, target, file, blob } = setup({ deadline: Date.now() + 300 });
    registry.answer(blob, trickle(BLOB, 1000, 10));
    expect(await client.blob(target, LAYER, file)).toMatchObject({
      failure: "unreachable",
      said: expect.stringContaining("the time for it is over"),
    });
    expect(existsSync(file)).toBe(false);
  });

  test.each([
    ["other bytes", body(Buffer.alloc(BLOB.length, "x")), "corrupt", "has the digest sha256:"],
    ["more bytes", body(Buffer.alloc(BLOB.length + 1, "x")), "corrupt", "has 250001 bytes"],
    [
      "a web page",
      body("<!DOCTYPE html>", "text/html"),
      "other",
      "bytes (text/html), wanted 250000",
    ],
    ["a strange range", status(206, { "Content-Range": "bytes 5-6/7" }), "other", "bytes 5-6/7"],
    ["404", status(404), "missing", "answered 404"],
    ["418", status(418), "other", "answered 418"],
  ])("that is %s ends the pull", async (_, reaction, failure, said) => {
    const { client, target, file, blob } = setup();
    registry.answer(blob, reaction);
    expect(await client.blob(target, LAYER, file)).toMatchObject({
      failure: expect.stringMatching(new RegExp(`^${failure}$`)),
      said: expect.stringContaining(said),
    });
    expect([existsSync(file), client.waits]).toEqual([false, []]);
  });

  test("that does not fit on the disk leaves nothing there", async () => {
    const { target, blob } = setup();
    registry.answer(blob, body(BLOB));
    const small = join(directory.path, "small");
    mkdirSync(small);
    const script = 'mount -t tmpfs -o size=64k tmpfs "$0" && "$@" && ls "$0"';
    const download = join(import.meta.dir, "../../test/fixtures/download.ts");
    const options = [registry.host, registry.caFile, target.repository, LAYER.digest];
    const file = join(small, "layer");
    const child = Bun.spawn(
      [
        ...["unshare", "--user", "--map-root-user", "--mount", "--", "sh", "-c", script, small],
        ...[process.execPath, download, ...options, String(LAYER.size), file],
      ],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    );
    const output = await new Response(child.stdout).text();
    const said = `cannot write ${file}: ENOSPC: no space left on device, write`;
    expect(output).toBe(`${JSON.stringify({ ok: false, failure: "no-space", said })}\n`);
  });
});

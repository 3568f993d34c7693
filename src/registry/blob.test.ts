/** Downloads that are cut, wrong, slow or too large, with `bad-registry.ts`; waits take no time. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { body, cutAfter, status, trickle } from "../../test/fixtures/bad-registry.ts";
import { badRepositories } from "../../test/fixtures/bad-repositories.ts";
import { describe as describeContent } from "../../test/fixtures/registry-client.ts";

const BLOB = Buffer.alloc(250_000, "layer ");
const LAYER = describeContent(BLOB, "application/vnd.oci.image.layer.v1.tar");

const { directory, registry, setup } = badRepositories(LAYER.digest);

describe("a blob", () => {
  const whole = (file: string) => readFileSync(file).equals(BLOB);

  test("whose connection is cut goes on where it stopped", async () => {
    const { client, target, file, blob, requests } = setup();
    const { reaction, onBytes } = cutAfter(BLOB, 100_000);
    registry().answer(blob, reaction);
    expect(await client.blob(target, LAYER, file, onBytes)).toEqual({ ok: true, value: undefined });
    expect(whole(file)).toBe(true);
    const first = `GET /blobs/${LAYER.digest}`;
    expect(requests()).toEqual([first, `${first} bytes=100000-`, `${first} bytes=200000-`]);
    // The second cut is the second failure in a row: so little is no progress.
    expect(client.waits).toEqual([1000, 2000]);
  });

  test.each([
    ["sends all of it again", body(BLOB)],
    ["cannot go on", status(416)],
  ])("begins anew where the registry %s", async (_, second) => {
    const { client, target, file, blob } = setup();
    const { reaction, onBytes } = cutAfter(BLOB, 100_000);
    registry().answer(blob, reaction, second, body(BLOB));
    const progress: number[] = [];
    const result = await client.blob(target, LAYER, file, (more) => {
      progress.push(more);
      onBytes(more);
    });
    expect(result).toEqual({ ok: true, value: undefined });
    expect(whole(file)).toBe(true);
    expect(progress.filter((step) => step < 0)).toEqual([-100_000]);
    expect(progress.reduce((sum, step) => sum + step, 0)).toBe(BLOB.length);
  });

  test("put together from pieces that do not fit is fetched once more", async () => {
    const { client, target, file, blob } = setup();
    const { reaction, onBytes } = cutAfter(BLOB, 100_000);
    const other = cutAfter(Buffer.alloc(BLOB.length, "other "), BLOB.length);
    registry().answer(blob, reaction, other.reaction, body(BLOB));
    expect(await client.blob(target, LAYER, file, onBytes)).toEqual({ ok: true, value: undefined });
    expect(whole(file)).toBe(true);
    expect(client.lines[1]).toContain("has the digest sha256:");
  });

  test("that is cut often, but moves each time, is fetched whole", async () => {
    const { client, target, file, blob } = setup({ limits: { attempts: 2 } });
    const large = Buffer.alloc(8_000_000, "large ");
    const layer = describeContent(large, "");
    const { reaction, onBytes } = cutAfter(large, 2_000_000);
    registry().answer(blob.replace(LAYER.digest, layer.digest), reaction);
    expect(await client.blob(target, layer, file, onBytes)).toMatchObject({ ok: true });
    expect(client.waits).toEqual([1000, 1000, 1000]);
  });

  test("is kept as it is stored, also if the storage calls its compression an encoding", async () => {
    const { client, target, file, blob } = setup();
    const packed = Bun.gzipSync(BLOB);
    const layer = describeContent(packed, "");
    const headers = { "Content-Encoding": "gzip" };
    registry().answer(blob.replace(LAYER.digest, layer.digest), body(packed, "x/gzip", headers));
    expect(await client.blob(target, layer, file)).toMatchObject({ ok: true });
    expect(readFileSync(file).equals(packed)).toBe(true);
  });

  test("that is cut again and again without progress is given up, and leaves no file", async () => {
    const { client, target, file, blob, requests } = setup();
    const { reaction, onBytes } = cutAfter(BLOB, 100_000);
    registry().answer(blob, reaction, status(500));
    expect(await client.blob(target, LAYER, file, onBytes)).toMatchObject({
      failure: "unreachable",
      said: expect.stringMatching(/after 6 tries$/),
    });
    expect([existsSync(file), requests().length]).toEqual([false, 6]);
  });

  test("that trickles is stopped; one that is slow but moves is not", async () => {
    const limits = { stallWindow: 1000, stallBytes: 5000, attempts: 1 };
    const slow = setup({ limits });
    registry().answer(slow.blob, trickle(BLOB, 20_000, 100));
    expect(await slow.client.blob(slow.target, LAYER, slow.file)).toMatchObject({ ok: true });

    const stalled = setup({ limits });
    registry().answer(stalled.blob, trickle(BLOB, 10, 10));
    expect(await stalled.client.blob(stalled.target, LAYER, stalled.file)).toMatchObject({
      failure: "unreachable",
      said: expect.stringMatching(/sent only \d+ bytes in 1 s, after 1 try$/),
    });
    expect(existsSync(stalled.file)).toBe(false);
  });

  test("that would take longer than the deadline is stopped there", async () => {
    const { client, target, file, blob } = setup({ deadline: Date.now() + 300 });
    registry().answer(blob, trickle(BLOB, 1000, 10));
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
    registry().answer(blob, reaction);
    expect(await client.blob(target, LAYER, file)).toMatchObject({
      failure: expect.stringMatching(new RegExp(`^${failure}$`)),
      said: expect.stringContaining(said),
    });
    expect([existsSync(file), client.waits]).toEqual([false, []]);
  });

  test("that does not fit on the disk leaves nothing there", async () => {
    const { target, blob } = setup();
    registry().answer(blob, body(BLOB));
    const small = join(directory(), "small");
    mkdirSync(small);
    const script = 'mount -t tmpfs -o size=64k tmpfs "$0" && "$@" && ls "$0"';
    const download = join(import.meta.dir, "../../test/fixtures/download.ts");
    const options = [registry().host, registry().caFile, target.repository, LAYER.digest];
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

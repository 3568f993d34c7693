import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import {
  directory,
  file,
  hardLink,
  type LayerMember,
  layerOf,
  memberOf,
  symlink,
  tarOf,
} from "../../test/fixtures/layers.ts";
import {
  GO_ON,
  indexAll,
  listTree,
  must,
  planned,
  sinkFor,
  unsquash,
  writeLayers,
  written,
} from "../../test/fixtures/layers-flatten.ts";
import type { Addition } from "./additions.ts";
import { indexLayer } from "./index-layer.ts";
import { readRows } from "./layer-rows.ts";
import { planTree } from "./plan-tree.ts";
import { writeTree } from "./write-tree.ts";

let dir: FreshDirectory;
beforeEach(() => {
  dir = freshDirectory("odd-layers");
});
afterEach(() => dir.remove());

type Layers = readonly (readonly LayerMember[])[];

async function tree(layers: Layers, additions: readonly Addition[] = []) {
  return listTree(await written(dir.path, await planned(dir.path, layers, additions)));
}

async function refusal(layers: Layers, additions: readonly Addition[] = []): Promise<string> {
  const { verdict } = await planned(dir.path, layers, additions);
  return verdict.ok ? "accepted" : `${verdict.refusal.fault}: ${verdict.refusal.message}`;
}

const IN_LAYER = "user: cannot use the image: layer 1 of 1: ";

test("a path or a hard link that leads upwards is refused", async () => {
  expect(await refusal([[file("a/../../b")]])).toBe(`${IN_LAYER}/a/../../b leads upwards`);
  expect(await refusal([[hardLink("a", "../../etc/passwd")]])).toBe(
    `${IN_LAYER}/a is a hard link to /../../etc/passwd, which leads upwards`,
  );
  expect(await refusal([[{ path: "a/.wh..." }, { path: "../.wh.b" }]])).toBe(
    `${IN_LAYER}/../.wh.b leads upwards`,
  );
});

test("links never lead a file out of the image", async () => {
  const outside = `${dir.path}/outside`;
  const found = await tree([
    [symlink("absolute", outside), symlink("up", "../../../../../../../.."), directory("d")],
    [file("absolute/x"), file("up/y"), file(`d/deep/z`), symlink("d/up", "../../../..")],
    [file("d/up/w")],
  ]);
  expect(existsSync(outside)).toBe(false);
  expect(readdirSync(dir.path).sort()).toEqual(["image", "layers"]);
  expect(found.get(`${outside}/x`)).toStartWith("file 644 10");
  expect([found.get("/y"), found.get("/w")]).toEqual([
    expect.stringMatching(/^file/),
    expect.stringMatching(/^file/),
  ]);
  expect(found.get("/absolute")).toBe(`symlink ${outside.slice(1)}`);
  expect(found.get("/up")).toBe("symlink .");
  expect(found.get("/d/up")).toBe("symlink ..");
});

test("a path through a file, an endless link or to a link without target is refused", async () => {
  expect(await refusal([[file("a"), file("a/b")]])).toBe(
    `${IN_LAYER}/a/b cannot be placed: /a is not a directory`,
  );
  expect(await refusal([[symlink("a", "b"), symlink("b", "a"), file("a/c")]])).toContain(
    "has too many symbolic links",
  );
  expect(await refusal([[symlink("a", "")]])).toContain("/a is a symbolic link to nothing");
});

test("a hard link keeps its content when an upper layer takes away or replaces its other name", async () => {
  const lower = [file("a", "old\n"), hardLink("b", "a"), hardLink("c", "a"), file("d", "d\n")];
  const found = await tree([lower, [{ path: ".wh.a" }, file("b", "new\n")], [hardLink("e", "d")]]);
  expect(found.has("/a")).toBe(false);
  expect(readFileSync(`${dir.path}/image/c`, "utf8")).toBe("old\n");
  expect(readFileSync(`${dir.path}/image/b`, "utf8")).toBe("new\n");
  expect(found.get("/e")).toEndWith("as /d of 2");
});

test("a hard link to what is not there, whited out or a directory is refused", async () => {
  expect(await refusal([[hardLink("a", "b")]])).toEndWith("hard link to /b, which is not there");
  expect(await refusal([[directory("b"), hardLink("a", "b")]])).toEndWith("is a directory");
  const out = await refusal([[file("b")], [{ path: ".wh.b" }, hardLink("a", "b")]]);
  expect(out).toEndWith("layer 2 of 2: /a is a hard link to /b, which is not there");
});

test("names of any bytes and length come out as they went in", async () => {
  const long = `${"d".repeat(255)}/${"e".repeat(200)}/${"f".repeat(255)}`;
  const names = ["raw-\xff\xfe", "new\nline", " space ", "-rf", "ä\\x", "*?[a]"];
  const members = [
    ...names.map((name) => file(name)),
    { path: "short", content: "long", pax: [["path", long]] as const },
    { path: "short", content: "raw", pax: [["path", "pax-\xff"]] as const },
    { path: "sl", type: "2", pax: [["linkpath", "t".repeat(300)]] as const },
  ];
  for (const kind of ["directory", "sqfs"] as const) {
    const image = await written(dir.path, await planned(dir.path, [members]), kind);
    if (kind === "sqfs") unsquash(image, `${dir.path}/unpacked`);
    const found = listTree(kind === "sqfs" ? `${dir.path}/unpacked` : image);
    for (const name of [...names, long, "pax-\xff"]) expect(found.has(`/${name}`)).toBe(true);
    expect(found.get("/sl")).toBe(`symlink ${"t".repeat(300)}`);
    expect(found.has("/short")).toBe(false);
  }
  expect(await refusal([[file("x".repeat(256))]])).toEndWith(
    "is longer than a file system can hold",
  );
});

test("sparse files of all four formats are whole again", async () => {
  const octal = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
  const gnu = octal(1024) + octal(512) + octal(3000) + octal(0);
  const data = Buffer.alloc(512, "S");
  const pax = (version: readonly (readonly [string, string])[]) => version;
  const members: LayerMember[] = [
    {
      path: "gnu",
      type: "S",
      content: data,
      raw: [
        [386, gnu],
        [483, octal(3000)],
      ],
    },
    {
      path: "p/0.0",
      content: data,
      pax: pax([
        ["GNU.sparse.size", "3000"],
        ["GNU.sparse.offset", "1024"],
        ["GNU.sparse.numbytes", "512"],
      ]),
    },
    {
      path: "p/0.1",
      content: data,
      pax: pax([
        ["GNU.sparse.size", "3000"],
        ["GNU.sparse.map", "1024,512,3000,0"],
      ]),
    },
    {
      path: "p/x",
      content: Buffer.concat([Buffer.from("1\n1024\n512\n".padEnd(512, "\0")), data]),
      pax: pax([
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.name", "p/1.0"],
        ["GNU.sparse.realsize", "3000"],
      ]),
    },
    file("after", "after\n"),
  ];
  const image = await written(dir.path, await planned(dir.path, [members]));
  const expected = Buffer.concat([Buffer.alloc(1024), data, Buffer.alloc(3000 - 1536)]);
  for (const name of ["gnu", "p/0.0", "p/0.1", "p/1.0"]) {
    expect(readFileSync(`${image}/${name}`).equals(expected)).toBe(true);
  }
  expect(readFileSync(`${image}/after`, "utf8")).toBe("after\n");
});

test("sizes beyond 8 GiB are read in base 256 and in PAX", async () => {
  // Headers only: the stream ends in the middle, after both were seen would take 9 GiB.
  const nine = 9 * 2 ** 30;
  const bytes = Buffer.alloc(12);
  bytes[0] = 0x80;
  bytes.writeBigUInt64BE(BigInt(nine), 4);
  const big = memberOf({ path: "big", raw: [[124, bytes.toString("latin1")]] });
  const pax = memberOf({ path: "big", pax: [["size", String(nine)]] });
  const { startScanner } = await import("./index-layer.ts");
  for (const header of [big, pax]) {
    const scanner = startScanner();
    scanner.write(header);
    expect([...readRows(scanner.rows())]).toMatchObject([{ path: "big", size: nine }]);
    expect(() => scanner.end()).toThrow("ends in the middle");
  }
});

test("the headers are found whatever the chunks are", async () => {
  const { startScanner } = await import("./index-layer.ts");
  const tar = tarOf([file("a".repeat(150), "x".repeat(700)), symlink("l", "t"), file("z")]);
  const whole = startScanner();
  whole.write(tar);
  for (const size of [1, 7, 511, 513]) {
    const scanner = startScanner();
    for (let at = 0; at < tar.length; at += size) scanner.write(tar.subarray(at, at + size));
    scanner.end();
    expect(scanner.rows()).toEqual(whole.rows());
  }
});

test("120 layers, each of which replaces, adds and takes away", async () => {
  const layers = Array.from({ length: 120 }, (_, at) => [
    file("same", `layer ${at}\n`),
    file(`own/${at}`),
    ...(at % 2 === 1 ? [{ path: `own/.wh.${at - 1}` }] : []),
  ]);
  const found = await tree(layers);
  expect(readFileSync(`${dir.path}/image/same`, "utf8")).toBe("layer 119\n");
  expect(readdirSync(`${dir.path}/image/own`)).toHaveLength(60);
  expect(found.size).toBe(63);
});

test("a layer that is cut, damaged, no tar or another one is called that", async () => {
  const tar = tarOf([file("a", "x".repeat(100_000))]);
  const noise = Buffer.from(Array.from({ length: 2000 }, (_, at) => (at * 7919) % 251));
  for (const kind of ["gzip", "zstd", "none"] as const) {
    const { blob, diffId } = layerOf(tar, kind);
    const path = `${dir.path}/${kind}`;
    writeFileSync(path, blob);
    expect(must(await indexLayer(path, { diffId }, GO_ON)).diffId).toBe(diffId);
    const wrong = await indexLayer(path, { diffId: "sha256:0" }, GO_ON);
    expect(wrong).toMatchObject({ failure: "corrupt", said: expect.stringContaining(diffId) });
    writeFileSync(path, blob.subarray(0, blob.length / 2));
    const cut = await indexLayer(path, { diffId }, GO_ON);
    expect(cut).toMatchObject({ ok: false, failure: "corrupt" });
  }
  writeFileSync(`${dir.path}/noise`, noise);
  expect(await indexLayer(`${dir.path}/noise`, {}, GO_ON)).toMatchObject({
    failure: "corrupt",
    said: expect.stringContaining("a tar header's checksum"),
  });
  writeFileSync(`${dir.path}/empty`, "");
  expect(must(await indexLayer(`${dir.path}/empty`, {}, GO_ON)).rows).toHaveLength(0);
  const missing = await indexLayer(`${dir.path}/missing`, {}, GO_ON);
  expect(missing).toMatchObject({ ok: false, failure: "other" });
});

test("a layer that was changed between the passes makes no image", async () => {
  const built = [layerOf(tarOf([file("a", "good\n")]), "none")];
  const files = writeLayers(`${dir.path}/layers`, built);
  const verdict = planTree(await indexAll(files, built), []);
  writeFileSync(files[0] ?? "", tarOf([file("a", "evil\n")]));
  for (const kind of ["sqfs", "directory"] as const) {
    const sink = sinkFor(dir.path, kind);
    if (!verdict.ok) throw new Error(verdict.refusal.message);
    const result = await writeTree(verdict.value, files, sink, GO_ON);
    expect(result).toMatchObject({ ok: false, failure: "corrupt" });
    expect(existsSync(sink.target)).toBe(false);
  }
});

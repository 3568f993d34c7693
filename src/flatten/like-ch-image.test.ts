import { afterAll, beforeAll, expect, test } from "bun:test";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import {
  type BuiltLayer,
  directory,
  file,
  hardLink,
  layerOf,
  symlink,
  tarOf,
} from "../../test/fixtures/layers.ts";
import {
  indexAll,
  listTree,
  unsquash,
  writeLayers,
  written,
} from "../../test/fixtures/layers-flatten.ts";
import { pushLayers } from "../../test/fixtures/layers-push.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { type Registry, startRegistry } from "../../test/fixtures/registry.ts";
import { imageFiles } from "./image-files.ts";
import { planTree } from "./plan-tree.ts";

const LONG = `usr/share/${"long-directory-name/".repeat(12)}${"file".repeat(50)}`;

const LOWER = [
  directory("."),
  directory("etc"),
  file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
  symlink("etc/resolv.conf", "../run/resolv.conf"),
  directory("usr"),
  directory("usr/bin"),
  file("usr/bin/tool", "tool 1\n", 0o755),
  hardLink("usr/bin/tool-1", "usr/bin/tool", 0o755),
  hardLink("usr/bin/tool-2", "/usr/bin/tool", 0o755),
  file("usr/bin/gone", "gone\n", 0o755),
  file("usr/bin/sudo", "sudo\n", 0o6755),
  file("usr/bin/unreadable", "x\n", 0o111),
  directory("usr/closed", 0o000),
  file("usr/closed/inside", "inside\n", 0o600),
  symlink("bin", "usr/bin"),
  symlink("usr/absolute", "/etc/./passwd"),
  symlink("usr/bin/root", "/"),
  symlink("usr/bin/untidy", "..//./bin/tool/"),
  directory("tmp", 0o1777),
  directory("dev"),
  file("dev/null", "no device\n"),
  { path: "dev/zero", type: "3" },
  { path: "usr/device", type: "4" },
  { path: "usr/fifo", type: "6" },
  file("opaque/lower", "lower\n"),
  file("opaque/deep/lower", "lower\n"),
  file("gone/one", "1\n"),
  file("gone/two", "2\n"),
  file("implicit/parents/file", "implicit\n"),
  file("to-directory", "was a file\n"),
  directory("to-file"),
  file("to-file/inside", "inside\n"),
  directory("to-link"),
  file("to-link/inside", "inside\n"),
  symlink("link-to-directory", "usr"),
  file("replaced", "old content, longer than the new one\n", 0o600),
  file(LONG, "long\n"),
  { path: "pax", content: "pax\n", pax: [["path", `pax/${"p".repeat(150)}`]] as const },
  file("latin-\xe9\xff", "no UTF-8\n"),
  file("utf-\xc3\xbc", "UTF-8\n"),
  file("new\nline", "newline\n"),
  file("twice", "first\n"),
  file("twice", "second\n", 0o755),
];

const UPPER = [
  { path: ".wh.nothing-there" },
  { path: "gone/.wh.one" },
  { path: "opaque/.wh..wh..opq" },
  file("opaque/upper", "upper\n"),
  { path: "usr/bin/.wh.gone" },
  file("/absolute/name", "absolute\n"),
  file("./dotted/./name", "dotted\n"),
  directory("to-directory"),
  file("to-directory/inside", "new\n"),
  file("to-file", "a file now\n"),
  symlink("to-link", "usr"),
  directory("link-to-directory"),
  file("link-to-directory/own", "own\n"),
  file("replaced", "new\n"),
  file("bin/through-link", "through\n", 0o755),
  file("late/content", "late\n"),
  directory("late", 0o750),
];

const TOP = [file("top", Buffer.alloc(300_000, "top\n")), { path: "usr/bin/.wh.sudo" }];

const CONFIG = {
  Env: ["PATH=/usr/bin:/bin", "B=2=3", "A=with 'quotes' and $PATH", "Ü=ü", "EMPTY="],
  WorkingDir: "/usr",
  Labels: { b: "2 \x7f ☃", a: "1" },
  Volumes: { "/data/volume": {}, "/etc": {} },
};

let dir: FreshDirectory;
let registry: Registry;
let layers: readonly BuiltLayer[];
let theirs: Map<string, string>;
let configText: string;

beforeAll(async () => {
  dir = freshDirectory("like-ch-image");
  registry = await startRegistry({ dir: `${dir.path}/registry`, auth: "none" });
  const tars = [tarOf(LOWER), tarOf([]), tarOf(UPPER), tarOf(TOP)];
  layers = tars.map((tar) => layerOf(tar));
  const image = await pushLayers(registry, "odd", layers, CONFIG);
  configText = image.config;
  const storage = `${dir.path}/storage`;
  mustRun(["ch-image", "pull", image.reference, "odd"], { env: registry.clientEnv(storage) });
  theirs = listTree(`${storage}/img/odd`);
});
afterAll(async () => {
  await registry?.stop();
  dir?.remove();
});

async function flatten(kind: "directory" | "sqfs"): Promise<Map<string, string>> {
  const place = `${dir.path}/${kind}`;
  const files = writeLayers(place, layers);
  const verdict = planTree(await indexAll(files, layers), imageFiles(configText));
  const image = await written(place, { verdict, files }, kind);
  if (kind === "directory") return listTree(image);
  unsquash(image, `${place}/unpacked`);
  return listTree(`${place}/unpacked`);
}

/** Times of files that are made while pulling say nothing. */
function withoutTimes(tree: ReadonlyMap<string, string>): Record<string, string> {
  const made = /^\/(ch\/|etc\/hosts|etc\/resolv)/;
  return Object.fromEntries(
    [...tree]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, line]) => [path, made.test(path) ? line.replace(/ \d+ as /, " as ") : line]),
  );
}

for (const kind of ["directory", "sqfs"] as const) {
  test(`a ${kind} has the very tree that ch-image pull makes`, async () => {
    const ours = await flatten(kind);
    expect(withoutTimes(ours)).toEqual(withoutTimes(theirs));
    expect(ours.size).toBeGreaterThan(70);
  });
}

test("where ch-image is wrong, the tree differs on purpose", async () => {
  const lower = [
    // With /app alone, ch-image would make it the root, and then find no target for the links.
    directory("etc"),
    directory("app"),
    file("app/a", "old\n", 0o444),
    hardLink("app/b", "app/a", 0o444),
    file("app/.git/config"),
    file(".gitconfig"),
    file("app/c", "c\n"),
    hardLink("app/d", "app/c"),
  ];
  const built = [lower, [file("app/a", "new\n"), { path: "app/.wh.c" }]].map((members) =>
    layerOf(tarOf(members)),
  );
  const files = writeLayers(`${dir.path}/differs`, built);
  const verdict = planTree(await indexAll(files, built), []);
  const ours = listTree(await written(`${dir.path}/differs`, { verdict, files }));
  expect([...ours.keys()]).toEqual([
    "",
    "/.gitconfig",
    "/app",
    "/app/.git",
    "/app/.git/config",
    "/app/a",
    "/app/b",
    "/app/d",
    "/etc",
  ]);
  expect(ours.get("/app/a")).toStartWith("file 644 4 ");
  expect(ours.get("/app/b")).toStartWith("file 644 4 ");

  const { reference } = await pushLayers(registry, "differs", built);
  const storage = `${dir.path}/storage`;
  mustRun(["ch-image", "pull", reference, "differs"], { env: registry.clientEnv(storage) });
  const pulled = listTree(`${storage}/img/differs`);
  expect(pulled.has("/.gitconfig")).toBe(false);
  // What an upper layer wrote to one name is in the other one too.
  expect(pulled.get("/app/b")).toEndWith("as /app/a of 2");
});

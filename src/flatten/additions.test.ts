import { expect, test } from "bun:test";
import { type LayerMember, symlink, tarOf } from "../../test/fixtures/layers.ts";
import { type Addition, addToTree } from "./additions.ts";
import { imageFiles } from "./image-files.ts";
import { startScanner } from "./index-layer.ts";
import { readRows } from "./layer-rows.ts";
import { mergeLayer } from "./merge-layer.ts";
import { planTree } from "./plan-tree.ts";
import { emptyDirectory, isDirectory, layerFile, type TreeNode } from "./tree.ts";

/** A tree of these members, and a way to add to it. */
function image(members: readonly LayerMember[]) {
  const scanner = startScanner();
  scanner.write(tarOf(members));
  const root = emptyDirectory();
  const rows = scanner.rows();
  expect(mergeLayer(root, { diffId: "", size: 0, rows }, 0)).toBeUndefined();
  const at = (path: string) =>
    path.split("/").reduce<TreeNode | undefined>((node, name) => {
      return isDirectory(node) ? node.children.get(name) : undefined;
    }, root);
  const kind = (path: string) => {
    const node = at(path);
    return typeof node === "number" ? "file" : node?.kind;
  };
  const add = (addition: Addition) => addToTree(root, addition, 0);
  const mount = (path: string, isFile = false) => add({ type: "mount-point", path, isFile });
  return { at, kind, rows, add, mount };
}

const USR: LayerMember = { path: "usr/share", type: "5" };

test("a mount point is made with its parents, or is there", () => {
  const { at, kind, rows, mount } = image([USR, { path: "usr/old", content: "old" }]);
  expect([mount("/data/deep"), mount("/usr/share/"), mount("/usr/old", true)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(mount("/etc/site.conf/", true)).toBeUndefined();
  expect(kind("data/deep")).toBe("directory");
  expect(at("etc/site.conf")).toMatchObject({ kind: "text", text: "" });
  const { at: row } = [...readRows(rows)][1] ?? {};
  expect(at("usr/old")).toBe(layerFile(0, row ?? -1));
});

test("links are followed inside the image, at the end too, and never out of it", () => {
  const { kind, mount } = image([
    USR,
    symlink("data", "usr/share"),
    symlink("absolute", "/data"),
    symlink("up", "../../.."),
    symlink("usr/resolv.conf", "../run/resolv.conf"),
    symlink("host", "/other/file"),
  ]);
  for (const path of ["/data/one", "/absolute/two", "/up/three", "/usr/../../four"]) {
    expect(mount(path)).toBeUndefined();
  }
  expect(mount("/usr/resolv.conf", true)).toBeUndefined();
  expect(mount("/host", true)).toBeUndefined();
  for (const path of ["usr/share/one", "usr/share/two", "three", "four"]) {
    expect(kind(path)).toBe("directory");
  }
  for (const path of ["run/resolv.conf", "other/file"]) expect(kind(path)).toBe("text");
});

test("a path that cannot be a mount point is named as the container would see it", () => {
  const { mount } = image([
    USR,
    { path: "usr/file" },
    symlink("link", "usr/file"),
    symlink("a", "b"),
    symlink("b", "a"),
  ]);
  expect(mount("/usr/file/below")).toBe("/usr/file is not a directory");
  expect(mount("/usr/file")).toBe("/usr/file is not a directory");
  expect(mount("/link/below")).toBe("/usr/file is not a directory");
  const directory = "/usr/share is a directory in the image and a file on the host";
  expect(mount("/usr/share", true)).toBe(directory);
  for (const isFile of [true, false]) {
    expect(mount("/a", isFile)).toBe("there are too many symbolic links on the way");
  }
});

test("nothing is made below what ch-run mounts from the host", () => {
  const { at, mount } = image([USR]);
  for (const path of ["/tmp/x", "/dev/shm/x", "/proc/x"]) expect(mount(path)).toBeUndefined();
  expect([at("tmp"), at("dev"), at("proc")]).toEqual([undefined, undefined, undefined]);
});

test("what is added only if absent leaves links alone, and /ch is written whatever is there", () => {
  const { at, kind, add } = image([
    symlink("etc/resolv.conf", "../run/nothing"),
    symlink("ch", "/etc"),
    { path: "mnt" },
  ]);
  for (const addition of imageFiles('{"config":{"Env":["B=1","A=x y","bad"]}}')) {
    expect(add(addition)).toBeUndefined();
  }
  expect(kind("etc/resolv.conf")).toBe("symlink");
  expect(at("run")).toBeUndefined();
  expect(kind("mnt")).toBe("file");
  expect(at("etc/environment")).toBeUndefined();
  expect(at("ch/environment")).toMatchObject({ text: "A=x y\nB=1\n" });
});

test("a mount point that cannot be made refuses the plan", () => {
  const verdict = planTree(
    [],
    [
      { type: "text", path: "/file", text: "" },
      { type: "mount-point", path: "/file/below", isFile: false },
    ],
  );
  expect(verdict).toMatchObject({
    refusal: {
      fault: "user",
      message: 'cannot mount "/file/below" in the image: /file is not a directory',
    },
  });
});

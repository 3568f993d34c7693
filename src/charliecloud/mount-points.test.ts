import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { isFileSource, makeMountPoint } from "./mount-points.ts";

let dir = "";
let image = "";
beforeEach(() => {
  dir = mkdtempSync("/var/tmp/jacamar-mount-");
  image = `${dir}/image`;
  mkdirSync(`${image}/usr/share`, { recursive: true });
  mkdirSync(`${dir}/source`);
  writeFileSync(`${dir}/source-file`, "host\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

function make(target: string, source = `${dir}/source`): string | undefined {
  return makeMountPoint(image, { target, isFile: isFileSource(source) });
}

/** Nothing may have appeared beside the image. */
function expectInside(): void {
  expect(readdirSync(dir).sort()).toEqual(["image", "source", "source-file"]);
}

test("a missing directory is made with all of its parents, an existing one is fine", () => {
  expect(make("/data/deep/down")).toBeUndefined();
  expect(make("/data/deep/down")).toBeUndefined();
  expect(make("/usr/share/")).toBeUndefined();
  expect(lstatSync(`${image}/data/deep/down`).isDirectory()).toBe(true);
});

test("a file gets an empty file, and an existing file keeps its content", () => {
  expect(make("/etc/site.conf", `${dir}/source-file`)).toBeUndefined();
  expect(readFileSync(`${image}/etc/site.conf`, "utf8")).toBe("");
  writeFileSync(`${image}/usr/old`, "old\n");
  expect(make("/usr/old", `${dir}/source-file`)).toBeUndefined();
  expect(readFileSync(`${image}/usr/old`, "utf8")).toBe("old\n");
  // As the path of a directory would be written.
  expect(make("/etc/other.conf/", `${dir}/source-file`)).toBeUndefined();
  expect(lstatSync(`${image}/etc/other.conf`).isFile()).toBe(true);
});

test("a source that does not exist yet will be a directory", () => {
  expect(isFileSource(`${dir}/later`)).toBe(false);
  expect(isFileSource(`${dir}/source-file`)).toBe(true);
  expect(make("/later", `${dir}/later`)).toBeUndefined();
  expect(lstatSync(`${image}/later`).isDirectory()).toBe(true);
});

test("links are followed inside the image: relative, absolute, through each other", () => {
  symlinkSync("usr/share", `${image}/data`);
  symlinkSync("/data", `${image}/absolute`);
  symlinkSync("../../absolute/./x", `${image}/usr/share/back`);
  expect(make("/data/one")).toBeUndefined();
  expect(make("/absolute/two")).toBeUndefined();
  expect(make("/data/back/three")).toBeUndefined();
  expect(readdirSync(`${image}/usr/share`).sort()).toEqual(["back", "one", "two", "x"]);
  expect(existsSync(`${image}/usr/share/x/three`)).toBe(true);
});

test("no link and no .. leads out of the image", () => {
  symlinkSync("../../../../../..", `${image}/up`);
  symlinkSync(`${dir}/source`, `${image}/host`);
  symlinkSync("/", `${image}/usr/root`);
  expect(make("/up/a")).toBeUndefined();
  expect(make("/host/b")).toBeUndefined();
  expect(make("/usr/root/c")).toBeUndefined();
  expect(make("/usr/../../../d")).toBeUndefined();
  expect(readdirSync(`${dir}/source`)).toEqual([]);
  expectInside();
  // What the container would see under these names.
  expect(existsSync(`${image}/a`)).toBe(true);
  expect(existsSync(`${image}${dir}/source/b`)).toBe(true);
  expect(existsSync(`${image}/c`)).toBe(true);
  expect(existsSync(`${image}/d`)).toBe(true);
});

test("a link at the end is followed too, for a file and for a directory", () => {
  symlinkSync("../run/resolv.conf", `${image}/usr/resolv.conf`);
  symlinkSync(`${dir}/source-file`, `${image}/outside`);
  expect(make("/usr/resolv.conf", `${dir}/source-file`)).toBeUndefined();
  expect(lstatSync(`${image}/run/resolv.conf`).isFile()).toBe(true);
  expect(make("/outside", `${dir}/source-file`)).toBeUndefined();
  expect(lstatSync(`${image}${dir}/source-file`).isFile()).toBe(true);
  expect(readFileSync(`${dir}/source-file`, "utf8")).toBe("host\n");
  expectInside();
});

test("a path that cannot be a mount point is named as the container would see it", () => {
  writeFileSync(`${image}/usr/file`, "");
  symlinkSync("usr/file", `${image}/link`);
  expect(make("/usr/file/below")).toBe("/usr/file is not a directory");
  expect(make("/usr/file")).toBe("/usr/file is not a directory");
  expect(make("/link/below")).toBe("/usr/file is not a directory");
  expect(make("/usr/share", `${dir}/source-file`)).toBe(
    "/usr/share is a directory in the image and a file on the host",
  );
});

test("links that lead nowhere end", () => {
  symlinkSync("b", `${image}/a`);
  symlinkSync("a", `${image}/b`);
  expect(make("/a/x")).toBe("there are too many symbolic links on the way");
});

test("nothing is made below what ch-run mounts from the host", () => {
  for (const target of ["/tmp/x", "/dev/shm/x", "/proc/x", "/sys/x", "/tmp"]) {
    expect(make(target)).toBeUndefined();
  }
  expect(readdirSync(image)).toEqual(["usr"]);
  expect(make("/tmpfiles")).toBeUndefined();
  expect(existsSync(`${image}/tmpfiles`)).toBe(true);
});

import { asText, type ByteString, type LayerEntry, type LayerIndex } from "./layer-index.ts";
import { type Row, readRows } from "./layer-rows.ts";
import {
  type Directory,
  emptyDirectory,
  isDirectory,
  layerFile,
  splitPath,
  type TreeNode,
  walk,
} from "./tree.ts";

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** As long as a name can be, and a path. */
const LONGEST_NAME = 255;
const LONGEST_PATH = 4095;

/**
 * Lays one layer over the tree that those below it make. Whiteouts come first, wherever in the layer they are: they mean
 * what the lower layers have.
 *
 * @returns why the layer cannot be used; undefined when it is in the tree
 */
export function mergeLayer(root: Directory, index: LayerIndex, layer: number): string | undefined {
  for (const { path, parent, name } of readRows(index.rows)) {
    const problem = checkPath(path);
    if (problem !== undefined) return `${shown(path)} ${problem}`;
    if (name.startsWith(WHITEOUT)) whiteOut(root, parent, name);
  }
  for (const row of readRows(index.rows)) {
    const problem = isLeftOut(row) ? undefined : addEntry(root, row, layer);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkPath(path: ByteString): string | undefined {
  if (path.includes("..") && path.split("/").includes("..")) return "leads upwards";
  if (path.length <= LONGEST_NAME) return undefined;
  const isLong =
    path.length > LONGEST_PATH || path.split("/").some((part) => part.length > LONGEST_NAME);
  return isLong ? "is longer than a file system can hold" : undefined;
}

/** Devices, FIFOs and what is below /dev, which ch-run mounts from the host; whiteouts, and the bookkeeping of AUFS. */
function isLeftOut({ path, type }: LayerEntry): boolean {
  return type === "special" || path.startsWith("dev/") || /(^|\/)\.wh\./.test(path);
}

function whiteOut(root: Directory, parent: ByteString, name: ByteString): void {
  const place = walk(root, parent, undefined);
  if ("why" in place) return;
  if (name === OPAQUE) place.directory.children.clear();
  else place.directory.children.delete(name.slice(WHITEOUT.length));
}

function addEntry(root: Directory, entry: Row, layer: number): string | undefined {
  const { path, parent, name, mtime } = entry;
  if (path === "") {
    if (entry.type !== "directory") return "the image's root is not a directory";
    setDirectory(root, entry);
    return undefined;
  }
  const place = walk(root, parent, mtime);
  if ("why" in place) return `${shown(path)} cannot be placed: ${shown(place.at)} ${place.why}`;
  const { children } = place.directory;
  if (entry.type === "directory") {
    const old = children.get(name);
    const directory = isDirectory(old) ? old : emptyDirectory();
    setDirectory(directory, entry);
    children.set(name, directory);
    return undefined;
  }
  const node = entry.type === "hardlink" ? hardLinked(root, entry) : leaf(entry, layer);
  if (typeof node === "string") return node;
  children.set(name, node);
  return undefined;
}

function setDirectory(directory: Directory, { mode, mtime }: LayerEntry): void {
  directory.mode = safeMode(mode) | 0o700;
  directory.mtime = mtime;
}

/** Nothing in an image of an unprivileged user can be set-user-ID; what its owner cannot read is of no use to anybody. */
export function safeMode(mode: number): number {
  return mode & 0o1777;
}

function leaf(entry: Row, layer: number): TreeNode | string {
  const { mtime, link = "" } = entry;
  if (entry.type !== "symlink") return layerFile(layer, entry.at);
  if (link === "") return `${shown(entry.path)} is a symbolic link to nothing`;
  if (link.length > LONGEST_PATH)
    return `${shown(entry.path)} has a target longer than a path can be`;
  return { kind: "symlink", mtime, target: link };
}

function hardLinked(root: Directory, { path, link = "" }: LayerEntry): TreeNode | string {
  const refuse = (why: string) => `${shown(path)} is a hard link to ${shown(link)}, which ${why}`;
  if (link.split("/").includes("..")) return refuse("leads upwards");
  const [parent, name] = splitPath(link.replace(/\/+$/, ""));
  const place = walk(root, parent, undefined);
  const target = "why" in place ? undefined : place.directory.children.get(name);
  if (target === undefined) return refuse("is not there");
  return isDirectory(target) ? refuse("is a directory") : target;
}

/** A path of the image for people. */
export function shown(path: ByteString): string {
  return asText(path.startsWith("/") ? path : `/${path}`);
}

import type { ByteString } from "./layer-index.ts";

export interface Directory {
  readonly kind: "directory";
  readonly children: Map<ByteString, TreeNode>;
  mode: number;
  mtime: number;
}

/**
 * A file of a layer: its layer and the place of its row in the layer's index, as one number, because there can be a hundred
 * thousand of them. Hard links are one number under several names.
 */
export type LayerFile = number;

/** A file that comes from no layer. */
export interface TextFile {
  readonly kind: "text";
  readonly mode: number;
  readonly mtime: number;
  readonly text: string;
}

export interface Symlink {
  readonly kind: "symlink";
  readonly mtime: number;
  /** As the layer has it. */
  readonly target: ByteString;
}

export type TreeNode = Directory | LayerFile | TextFile | Symlink;

/** An index of a terabyte, and 8192 layers. */
const ROWS = 2 ** 40;

export function layerFile(layer: number, row: number): LayerFile {
  return layer * ROWS + row;
}

export function rowOf(file: LayerFile): { readonly layer: number; readonly row: number } {
  return { layer: Math.floor(file / ROWS), row: file % ROWS };
}

export function isDirectory(node: TreeNode | undefined): node is Directory {
  return typeof node === "object" && node.kind === "directory";
}

export function isSymlink(node: TreeNode | undefined): node is Symlink {
  return typeof node === "object" && node.kind === "symlink";
}

/** A directory and how one came there, without links. */
export interface Place {
  readonly directory: Directory;
  /** "" for the root, which has nothing above it. */
  readonly name: ByteString;
  readonly above: Place | undefined;
}

/** Why a path leads nowhere; `at` is where, as the container would see it. */
export interface Astray {
  readonly at: ByteString;
  readonly why: "is missing" | "is not a directory" | "has too many symbolic links";
}

/** As many as Linux follows. */
const MAX_LINKS = 40;

export function emptyDirectory(mtime = 0): Directory {
  return { kind: "directory", children: new Map(), mode: 0o755, mtime };
}

/**
 * Follows a path as a process inside the container would: links lead on from the image's root, never out of it.
 *
 * @param make the mtime of directories that are made where something is missing; undefined makes none
 */
export function walk(root: Directory, path: ByteString, make: number | undefined): Place | Astray {
  let open = path.split("/");
  let way: Place = { directory: root, name: "", above: undefined };
  let links = 0;
  for (let next = 0; next < open.length; next++) {
    const part = open[next] ?? "";
    if (part === "" || part === ".") continue;
    if (part === "..") {
      way = way.above ?? way;
      continue;
    }
    let found = way.directory.children.get(part);
    if (isSymlink(found)) {
      if (++links > MAX_LINKS) return { at: path, why: "has too many symbolic links" };
      if (found.target.startsWith("/")) way = { directory: root, name: "", above: undefined };
      open = [...found.target.split("/"), ...open.slice(next + 1)];
      next = -1;
      continue;
    }
    if (found === undefined) {
      if (make === undefined) return { at: below(way, part), why: "is missing" };
      found = emptyDirectory(make);
      way.directory.children.set(part, found);
    }
    if (!isDirectory(found)) return { at: below(way, part), why: "is not a directory" };
    way = { directory: found, name: part, above: way };
  }
  return way;
}

/** The path of a name in a directory. */
export function below(place: Place, name: ByteString): ByteString {
  let path = name;
  for (let one: Place | undefined = place; one?.above; one = one.above)
    path = `${one.name}/${path}`;
  return path;
}

/** Splits off the last name: ["usr/bin", "env"]. */
export function splitPath(path: ByteString): readonly [ByteString, ByteString] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
}

/**
 * The text of a symbolic link in the finished image, made as ch-image does: absolute targets become relative, so that they
 * lead to the same place inside a container and outside of it; `.`, doubled and closing slashes go. A target with more
 * `..` than there are directories above is cut to what it means in the container, where ch-image refuses the image.
 *
 * @param depth how many directories lie between the root and the link
 */
export function linkText(target: ByteString, depth: number): ByteString {
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const ups = parts.findIndex((part) => part !== "..");
  const leading = ups < 0 ? parts.length : ups;
  const climb = target.startsWith("/") ? depth : Math.min(leading, depth);
  return [...Array<string>(climb).fill(".."), ...parts.slice(leading)].join("/") || ".";
}

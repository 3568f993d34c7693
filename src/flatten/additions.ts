import { asBytes } from "./layer-index.ts";
import { shown } from "./merge-layer.ts";
import {
  below,
  type Directory,
  emptyDirectory,
  isDirectory,
  isSymlink,
  splitPath,
  type TextFile,
  walk,
} from "./tree.ts";

/** Something that an image gets besides its layers. Paths and texts are ordinary strings; a path begins with a slash. */
export type Addition =
  /** A directory or an empty file that is made only where nothing of the name is, be it a link that leads nowhere. */
  | { readonly type: "directory" | "file"; readonly path: string }
  /** A file that replaces whatever has its name, or is in its way. */
  | { readonly type: "text"; readonly path: string; readonly text: string }
  /**
   * What a bind mount needs at its destination: links are followed to their end as in the container, never out of the
   * image, as `charliecloud/mount-points.ts` does in a directory.
   */
  | { readonly type: "mount-point"; readonly path: string; readonly isFile: boolean };

/** ch-run mounts the host's own over these, so what they hold inside the image is of no use. */
const FROM_HOST = /^\/(dev|proc|sys|tmp)(\/|$)/;

/**
 * Adds one thing to a finished tree.
 *
 * @returns why it cannot be there; undefined when it is
 */
export function addToTree(root: Directory, addition: Addition, mtime: number): string | undefined {
  const path = asBytes(addition.path);
  if (addition.type === "text") {
    putText(root, path, { kind: "text", mode: 0o644, mtime, text: addition.text });
    return undefined;
  }
  if (addition.type === "mount-point") {
    if (FROM_HOST.test(addition.path)) return undefined;
    return addMountPoint(root, path, addition.isFile, mtime, 0);
  }
  const [parent, name] = splitPath(path.replace(/\/+$/, ""));
  const place = walk(root, parent, mtime);
  // Something else is in the way, which works in the image as it is.
  if ("why" in place || place.directory.children.has(name)) return undefined;
  place.directory.children.set(
    name,
    addition.type === "directory" ? emptyDirectory(mtime) : emptyFile(mtime),
  );
  return undefined;
}

function putText(root: Directory, path: string, file: TextFile): void {
  let here = root;
  const parts = path.split("/").filter((part) => part !== "");
  const name = parts.pop() ?? "";
  for (const part of parts) {
    const found = here.children.get(part);
    const next = isDirectory(found) ? found : emptyDirectory(file.mtime);
    here.children.set(part, next);
    here = next;
  }
  here.children.set(name, file);
}

function emptyFile(mtime: number): TextFile {
  return { kind: "text", mode: 0o644, mtime, text: "" };
}

const MAX_LINKS = 40;

function addMountPoint(
  root: Directory,
  path: string,
  isFile: boolean,
  mtime: number,
  links: number,
): string | undefined {
  if (links > MAX_LINKS) return "there are too many symbolic links on the way";
  if (!isFile) return problemOf(walk(root, path, mtime));
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const name = parts.at(-1);
  const wrongKind = "is a directory in the image and a file on the host";
  if (name === undefined || name === "..") return `${shown(path)} ${wrongKind}`;
  const place = walk(root, parts.slice(0, -1).join("/"), mtime);
  if ("why" in place) return problemOf(place);
  const found = place.directory.children.get(name);
  const here = below(place, name);
  if (found === undefined) place.directory.children.set(name, emptyFile(mtime));
  if (isDirectory(found)) return `${shown(here)} ${wrongKind}`;
  if (!isSymlink(found)) return undefined;
  const target = found.target.startsWith("/") ? found.target : below(place, found.target);
  return addMountPoint(root, target, isFile, mtime, links + 1);
}

function problemOf(place: ReturnType<typeof walk>): string | undefined {
  if (!("why" in place)) return undefined;
  if (place.why === "has too many symbolic links") {
    return "there are too many symbolic links on the way";
  }
  return `${shown(place.at)} ${place.why}`;
}

import { lstatSync, mkdirSync, readlinkSync, type Stats, statSync, writeFileSync } from "node:fs";

const MAX_LINKS = 40;
/** ch-run mounts the host's own over these, so what they hold inside the image is of no use. */
const FROM_HOST = /^\/(dev|proc|sys|tmp)(\/|$)/;

/**
 * Makes the mount point of a bind mount inside an image directory, for a ch-run that cannot make it on the fly: before
 * 0.36 any, and some later ones none for a file. Links inside the image are followed as the container would, never out
 * of the image.
 *
 * @returns why the path cannot be a mount point of this image; undefined when it is one now
 * @throws the file system's error
 */
export function makeMountPoint(
  image: string,
  bind: { readonly target: string; readonly isFile: boolean },
): string | undefined {
  if (FROM_HOST.test(bind.target)) return undefined;
  let path: readonly string[] = [];
  const open = bind.target.split("/");
  let links = 0;
  for (let part = open.shift(); part !== undefined; part = open.shift()) {
    if (part === "." || part === "") continue;
    if (part === "..") {
      path = path.slice(0, -1);
      continue;
    }
    const here = [image, ...path, part].join("/");
    const isFile = open.every((rest) => rest === "" || rest === ".") && bind.isFile;
    const found = lstatSync(here, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) {
      if (++links > MAX_LINKS) return "there are too many symbolic links on the way";
      const to = readlinkSync(here);
      if (to.startsWith("/")) path = [];
      open.unshift(...to.split("/"));
      continue;
    }
    if (found === undefined) make(here, isFile);
    const problem = found && mismatch(found, isFile);
    if (problem !== undefined) return `/${[...path, part].join("/")} ${problem}`;
    path = [...path, part];
  }
  return undefined;
}

/**
 * Whether a bind mount's source is a file: not every ch-run makes a mount point for one. A source that does not exist yet
 * will be a directory.
 */
export function isFileSource(source: string): boolean {
  return statSync(source, { throwIfNoEntry: false })?.isDirectory() === false;
}

function make(path: string, isFile: boolean): void {
  if (isFile) writeFileSync(path, "", { flag: "wx", mode: 0o644 });
  else mkdirSync(path, { mode: 0o755 });
}

function mismatch(found: Stats, isFile: boolean): string | undefined {
  if (found.isDirectory() === !isFile) return undefined;
  return isFile ? "is a directory in the image and a file on the host" : "is not a directory";
}

import { lstatSync, mkdirSync, readlinkSync, type Stats, statSync, writeFileSync } from "node:fs";

const MAX_LINKS = 40;
/** ch-run mounts the host's own over these, so what they hold inside the image is of no use. */
const FROM_HOST = /^\/(dev|proc|sys|tmp)(\/|$)/;

/**
 * Makes the mount points of bind mounts inside an image directory, for a ch-run that cannot make them on the fly
 * (before 0.36). Links inside the image are followed as the container would, never out of the image.
 *
 * @throws the file system's error, or an Error that names a path in the image that cannot be a mount point
 */
export function makeMountPoints(
  image: string,
  binds: readonly { readonly source: string; readonly target: string }[],
): void {
  for (const { source, target } of binds) {
    if (FROM_HOST.test(target)) continue;
    const isFile = statSync(source, { throwIfNoEntry: false })?.isDirectory() === false;
    const parts = target.split("/").filter((part) => part !== "");
    const leaf = isFile ? parts.pop() : undefined;
    const directory = descend(image, parts, target);
    if (leaf !== undefined && stats(`${directory}/${leaf}`) === undefined) {
      writeFileSync(`${directory}/${leaf}`, "", { flag: "wx", mode: 0o644 });
    }
  }
}

/** The directory that `parts` lead to inside `image`; what is missing is made. */
function descend(image: string, parts: readonly string[], target: string): string {
  let path: string[] = [];
  const open = [...parts];
  let links = 0;
  for (let part = open.shift(); part !== undefined; part = open.shift()) {
    if (part === "." || part === "") continue;
    if (part === "..") {
      path = path.slice(0, -1);
      continue;
    }
    const here = [image, ...path, part].join("/");
    const found = stats(here);
    if (found === undefined) mkdirSync(here, { mode: 0o755 });
    if (found?.isSymbolicLink()) {
      if (++links > MAX_LINKS) throw new Error(`too many symbolic links at ${target} in the image`);
      const to = readlinkSync(here);
      if (to.startsWith("/")) path = [];
      open.unshift(...to.split("/"));
      continue;
    }
    if (found && !found.isDirectory()) throw new Error(`${target} is not a directory in the image`);
    path = [...path, part];
  }
  return [image, ...path].join("/");
}

function stats(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

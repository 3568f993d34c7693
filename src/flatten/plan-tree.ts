import { accept, refuse, type Verdict } from "../plan/decision.ts";
import { type Addition, addToTree } from "./additions.ts";
import type { ByteString, LayerIndex } from "./layer-index.ts";
import { mergeLayer } from "./merge-layer.ts";
import { type PlannedLayer, startFiles } from "./planned-files.ts";
import { type Directory, emptyDirectory, linkText } from "./tree.ts";

/** What the finished image holds, in the order in which it is written. No path goes through a symbolic link. */
export interface TreePlan {
  /** Parents first; the root, "", is the first. */
  readonly directories: readonly PlannedDirectory[];
  readonly symlinks: readonly PlannedSymlink[];
  /** Lowest first. */
  readonly layers: readonly PlannedLayer[];
  readonly texts: readonly PlannedText[];
}

export interface PlannedDirectory {
  readonly path: ByteString;
  readonly mode: number;
  readonly mtime: number;
}

export interface PlannedSymlink {
  readonly path: ByteString;
  readonly target: ByteString;
  readonly mtime: number;
}

export interface PlannedText extends PlannedDirectory {
  readonly text: string;
}

/**
 * Merges layers into one tree, as a container would see them laid over each other, and as `ch-image pull` leaves them on
 * disk. It differs from ch-image 0.31 on purpose in what that gets wrong: an upper layer's file does not change the
 * content of other names that the lower one had for it; a single top directory such as `/app` stays where it is; `/.git…`
 * stays; a link with too many `..` does not make the image useless; hard links do not take the read bit from a file.
 *
 * @param layers lowest first
 * @param mtime of what is added: seconds since 1970
 */
export function planTree(
  layers: readonly LayerIndex[],
  additions: readonly Addition[],
  mtime = 0,
): Verdict<TreePlan> {
  const root = emptyDirectory();
  for (const [layer, index] of layers.entries()) {
    const problem = mergeLayer(root, index, layer);
    if (problem !== undefined) {
      return refuse(
        "user",
        `cannot use the image: layer ${layer + 1} of ${layers.length}: ${problem}`,
        "image:",
      );
    }
  }
  for (const addition of additions) {
    const problem = addToTree(root, addition, mtime);
    if (problem === undefined) continue;
    const message = `cannot mount ${JSON.stringify(addition.path)} in the image: ${problem}`;
    return refuse("user", message, "image:");
  }
  return accept(listTree(root, layers));
}

function listTree(root: Directory, layers: readonly LayerIndex[]): TreePlan {
  const directories: PlannedDirectory[] = [];
  const symlinks: PlannedSymlink[] = [];
  const texts: PlannedText[] = [];
  const files = startFiles();
  const open: { path: ByteString; directory: Directory; depth: number }[] = [
    { path: "", directory: root, depth: 0 },
  ];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { path, directory, depth } = one;
    const number = directories.push({ path, mode: directory.mode, mtime: directory.mtime }) - 1;
    for (const [name, node] of directory.children) {
      if (typeof node === "number") {
        files.add(node, number, name);
        continue;
      }
      const here = path === "" ? name : `${path}/${name}`;
      if (node.kind === "directory") open.push({ path: here, directory: node, depth: depth + 1 });
      else if (node.kind === "text") {
        texts.push({ path: here, mode: node.mode, mtime: node.mtime, text: node.text });
      } else {
        symlinks.push({ path: here, target: linkText(node.target, depth), mtime: node.mtime });
      }
    }
  }
  return { directories, symlinks, layers: files.done(layers, directories), texts };
}

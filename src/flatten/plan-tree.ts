import { accept, refuse, type Verdict } from "../plan/decision.ts";
import { type Addition, addToTree } from "./additions.ts";
import type { ByteString, LayerIndex } from "./layer-index.ts";
import { mergeLayer } from "./merge-layer.ts";
import { type Directory, emptyDirectory, type File, linkText } from "./tree.ts";

/** What the finished image holds, in the order in which it is written. Plain JSON. No path goes through a symbolic link. */
export interface TreePlan {
  /** Those of the layers, lowest first, to be seen again when they are read again. */
  readonly diffIds: readonly string[];
  /** Parents first; the root, "", is the first. */
  readonly directories: readonly PlannedDirectory[];
  readonly symlinks: readonly PlannedSymlink[];
  /** For each layer its files by rising offset. */
  readonly files: readonly (readonly PlannedFile[])[];
  readonly texts: readonly PlannedText[];
  /** Bytes of all content. */
  readonly size: number;
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

interface Names extends PlannedDirectory {
  /** Further names of the same file. */
  readonly links: readonly ByteString[];
}

/** For `size`, `offset` and `stored` see LayerEntry. */
export interface PlannedFile extends Names {
  readonly size: number;
  readonly offset: number;
  readonly stored?: readonly (readonly [number, number])[];
}

export interface PlannedText extends Names {
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

/** A file can be reached by several names. */
type FoundFiles = Map<File, ByteString[]>;

function listTree(root: Directory, layers: readonly LayerIndex[]): TreePlan {
  const directories: PlannedDirectory[] = [];
  const symlinks: PlannedSymlink[] = [];
  const found: FoundFiles = new Map();
  const open: { path: ByteString; directory: Directory; depth: number }[] = [
    { path: "", directory: root, depth: 0 },
  ];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { path, directory, depth } = one;
    directories.push({ path, mode: directory.mode, mtime: directory.mtime });
    for (const [name, node] of directory.children) {
      const here = path === "" ? name : `${path}/${name}`;
      if (node.kind === "directory") open.push({ path: here, directory: node, depth: depth + 1 });
      else if (node.kind === "file") found.set(node, [...(found.get(node) ?? []), here]);
      else {
        symlinks.push({ path: here, target: linkText(node.target, depth), mtime: node.mtime });
      }
    }
  }
  const { files, texts } = listFiles(found, layers);
  const size = files.flat().reduce((sum, file) => sum + file.size, 0);
  const diffIds = layers.map(({ diffId }) => diffId);
  return { diffIds, directories, symlinks, files, texts, size };
}

function listFiles(found: FoundFiles, layers: readonly LayerIndex[]) {
  const files: PlannedFile[][] = layers.map(() => []);
  const texts: PlannedText[] = [];
  for (const [{ mode, mtime, content }, [path = "", ...links]] of found) {
    if ("text" in content) {
      texts.push({ path, mode, mtime, links, text: content.text });
      continue;
    }
    const entry = layers[content.layer]?.entries[content.entry];
    if (entry === undefined) continue;
    const { size, offset, stored } = entry;
    files[content.layer]?.push({
      path,
      mode,
      mtime,
      links,
      size,
      offset,
      ...(stored && { stored }),
    });
  }
  for (const list of files) list.sort((a, b) => a.offset - b.offset);
  return { files, texts };
}

import { collect } from "./collect.ts";
import type { ByteString, LayerIndex } from "./layer-index.ts";
import { numbersAt } from "./layer-rows.ts";
import { safeMode } from "./merge-layer.ts";
import { type LayerFile, rowOf } from "./tree.ts";

/** A file as it is written. For `size`, `offset` and `stored` see LayerEntry. */
export interface PlannedFile {
  readonly path: ByteString;
  /** Further names of the same file. */
  readonly links: readonly ByteString[];
  readonly mode: number;
  readonly mtime: number;
  readonly size: number;
  readonly offset: number;
  readonly stored?: readonly (readonly [number, number])[];
}

/** What of a layer is in the image. */
export interface PlannedLayer {
  /** To be seen again when the layer is read again. */
  readonly diffId: string;
  /** Names of its files. */
  readonly names: number;
  /** Its files by rising offset, each made when its turn comes: together they would take 500 bytes a file. */
  readonly files: () => Iterable<PlannedFile>;
}

/** Collects the names of layers' files in columns, 40 bytes a file. */
export function startFiles(): {
  /** `directory`: its number, for `done`. */
  readonly add: (file: LayerFile, directory: number, name: ByteString) => void;
  readonly done: (
    layers: readonly LayerIndex[],
    directories: readonly { readonly path: ByteString }[],
  ) => PlannedLayer[];
} {
  const files: number[] = [];
  const parents: number[] = [];
  const ends: number[] = [];
  let names = Buffer.allocUnsafeSlow(4096);
  let used = 0;
  const add = (file: LayerFile, directory: number, name: ByteString) => {
    if (used + name.length > names.length) {
      const larger = Buffer.allocUnsafeSlow(names.length * 2);
      names.copy(larger);
      names = larger;
    }
    used += names.write(name, used, "latin1");
    files.push(file);
    parents.push(directory);
    ends.push(used);
    collect();
  };
  const done = (
    layers: readonly LayerIndex[],
    directories: readonly { readonly path: ByteString }[],
  ) => {
    const fileAt = (at: number) => files[at] ?? 0;
    const pathAt = (at: number): ByteString => {
      const name = names.toString("latin1", ends[at - 1] ?? 0, ends[at]);
      const { path = "" } = directories[parents[at] ?? 0] ?? {};
      return path === "" ? name : `${path}/${name}`;
    };
    // By layer and place, and of a file's names the first one that was found.
    const order = Uint32Array.from(files.keys());
    order.sort((one, other) => fileAt(one) - fileAt(other) || one - other);
    return splitByLayer(order, fileAt, layers).map(([index, part]) => ({
      diffId: index.diffId,
      names: part.length,
      files: () => listFiles(index, part, fileAt, pathAt),
    }));
  };
  return { add, done };
}

function splitByLayer(
  order: Uint32Array,
  fileAt: (at: number) => LayerFile,
  layers: readonly LayerIndex[],
): (readonly [LayerIndex, Uint32Array])[] {
  let end = 0;
  return layers.map((index, layer) => {
    const start = end;
    while (end < order.length && rowOf(fileAt(order[end] ?? 0)).layer === layer) end++;
    return [index, order.subarray(start, end)];
  });
}

function* listFiles(
  { rows }: LayerIndex,
  order: Uint32Array,
  fileAt: (at: number) => LayerFile,
  pathAt: (at: number) => ByteString,
): Generator<PlannedFile, void> {
  for (let next = 0; next < order.length; ) {
    collect();
    const first = order[next++] ?? 0;
    const file = fileAt(first);
    const links: ByteString[] = [];
    for (; next < order.length && fileAt(order[next] ?? 0) === file; next++)
      links.push(pathAt(order[next] ?? 0));
    const { type: _, mode, ...numbers } = numbersAt(rows, rowOf(file).row);
    yield { path: pathAt(first), links, mode: safeMode(mode) | 0o600, ...numbers };
  }
}

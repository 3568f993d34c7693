import { type ByteString, type LayerEntry, UnreadableLayer } from "./layer-index.ts";
import { readSparseBlocks, readSparsePax, type SparseMap } from "./sparse.ts";
import { BLOCK, readHeader, readPax, readString, type TarHeader } from "./tar-header.ts";

/** Long names and PAX headers are read whole; Go's reader has the same bound. */
const LONGEST_META = 1024 * 1024;
const NEWEST = 2 ** 32 - 1;

/** What the scan wants next of the stream: so many bytes at once, or to pass over so many. */
export type Want = { readonly read: number } | { readonly skip: number };

export interface ScanState {
  /** Takes the members. */
  readonly found: (entry: LayerEntry) => void;
  /** Where the next wanted byte is in the stream; the scan's driver keeps it. */
  position: number;
  /** Whether the stream may end here. */
  boundary: boolean;
}

type Types = Readonly<Record<string, LayerEntry["type"]>>;
const TYPES: Types = {
  "0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "special",
  "4": "special",
  "5": "directory",
  "6": "special",
};

/** What special headers say about the member that follows. */
interface Overrides {
  name?: ByteString;
  link?: ByteString;
  pax: (readonly [string, ByteString])[];
}

/**
 * Reads the headers of a tar: old, ustar, PAX and GNU with their long names and sparse files. Bodies are never held: what
 * it keeps is where they are.
 *
 * The code is our own because no library for Node.js reads what Docker writes for a name that is not UTF-8 (raw bytes in a
 * PAX header: tar-stream 3.2 and node-tar 7.5 decode them, after which two names can be one), and none reads sparse files.
 * For speed both would do: 200 MB in 0.14 and 0.17 s, 40,000 small files in 0.24 and 0.26 s; a pass of this one, with its hash, takes 0.17 and 0.2 s.
 *
 * @throws UnreadableLayer
 */
export function* scanTar(state: ScanState): Generator<Want, void, Buffer> {
  let global: Overrides["pax"] = [];
  let next: Overrides = { pax: [] };
  for (;;) {
    state.boundary = true;
    const block = yield { read: BLOCK };
    state.boundary = false;
    const header = readHeader(block);
    if (header === undefined) return;
    if ("xgXLK".includes(header.type)) {
      const body = yield* readMeta(header);
      if (header.type === "L") next.name = readString(body, 0, body.length);
      else if (header.type === "K") next.link = readString(body, 0, body.length);
      else if (header.type === "g") global = [...global, ...readPax(body)];
      else next.pax = [...next.pax, ...readPax(body)];
      continue;
    }
    yield* readMember(state, header, block, { ...next, pax: [...global, ...next.pax] });
    next = { pax: [] };
  }
}

function* readMeta({ size, type }: TarHeader): Generator<Want, Buffer, Buffer> {
  if (size < 0 || size > LONGEST_META) {
    throw new UnreadableLayer("corrupt", `a tar header of type ${type} has ${size} bytes`);
  }
  // The next read may reuse the bytes that this one gives.
  const body = size === 0 ? Buffer.alloc(0) : Buffer.from(yield { read: size });
  yield { skip: padding(size) };
  return body;
}

function* readMember(
  state: ScanState,
  header: TarHeader,
  block: Buffer,
  { name, link, pax }: Overrides,
): Generator<Want, void, Buffer> {
  const said = new Map(pax);
  const path = said.get("GNU.sparse.name") || said.get("path") || (name ?? header.name);
  const mtime = Number(said.get("mtime") || header.mtime);
  const type = typeOf(header, path);
  const storedSize = type === "file" ? Number(said.get("size") || header.size) : 0;
  if (!Number.isSafeInteger(storedSize) || storedSize < 0 || !Number.isFinite(mtime)) {
    throw new UnreadableLayer("corrupt", "a tar header's size or time is not a number");
  }
  const sparse: SparseMap | undefined =
    header.type === "S" ? yield* readSparseBlocks(block) : yield* readSparsePax(pax, type);
  const mapped = sparse?.mapBytes ?? 0;
  checkSparse(sparse, storedSize - mapped);
  state.found({
    path: normalise(path),
    type,
    mode: header.mode & 0o7777,
    mtime: Math.min(Math.max(Math.floor(mtime), 0), NEWEST),
    size: sparse?.size ?? storedSize,
    offset: type === "file" ? state.position : 0,
    ...((type === "symlink" || type === "hardlink") && {
      link: said.get("linkpath") || (link ?? header.link),
    }),
    ...(sparse && { stored: sparse.stored }),
  });
  const rest = storedSize - mapped;
  yield { skip: rest + padding(rest) };
}

function typeOf(header: TarHeader, path: ByteString): LayerEntry["type"] {
  const type = TYPES[header.type];
  if (type === undefined) {
    const shown = JSON.stringify(header.type);
    throw new UnreadableLayer("unsuitable", `a tar member has the unknown type ${shown}`);
  }
  // How archives from before POSIX tell a directory.
  return type === "file" && path.endsWith("/") ? "directory" : type;
}

function checkSparse(sparse: SparseMap | undefined, storedSize: number): void {
  if (sparse === undefined) return;
  let end = 0;
  let sum = 0;
  for (const [start, length] of sparse.stored) {
    if (!(start >= end && length >= 0)) end = Number.NaN;
    end = Math.max(end, start + length);
    sum += length;
  }
  const fits = end <= sparse.size && sum === storedSize;
  if (!fits) throw new UnreadableLayer("corrupt", "a sparse file's map does not fit its content");
}

function normalise(path: ByteString): ByteString {
  // As nearly all are.
  if (!/(^|\/)\.?(\/|$)/.test(path)) return path;
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

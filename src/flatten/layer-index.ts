/**
 * Names and link targets are bytes, of which a tar says no encoding: here each byte is one character (latin1), so that a
 * name which is not UTF-8 comes out as it went in. Use `asText` for people.
 */
export type ByteString = string;

/** One member of a layer's tar, by its headers alone. */
export interface LayerEntry {
  /** Without leading `/` or `./` and without empty or `.` parts; the root is "". A `..` stays, for the plan to refuse. */
  readonly path: ByteString;
  /** `special`: a device or a FIFO. */
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "special";
  /** The lower twelve bits. */
  readonly mode: number;
  /** Whole seconds since 1970, from 0 to 2^32-1 as SquashFS can hold them. */
  readonly mtime: number;
  /** Bytes of content, holes included; 0 for all but files. */
  readonly size: number;
  /** Where a file's content starts in the uncompressed layer; 0 for others. */
  readonly offset: number;
  /** Target of a link. */
  readonly link?: ByteString;
  /** Of a sparse file only: [start, length] of the parts that are stored, in order and one after another; the rest is zeros. */
  readonly stored?: readonly (readonly [number, number])[];
}

/** What a layer holds, as it is kept beside the blob too, which makes the first pass over it needless. */
export interface LayerIndex {
  /** `sha256:…` of the uncompressed layer, as it was read. */
  readonly diffId: string;
  /** Bytes of the uncompressed layer. */
  readonly size: number;
  /** Its members in the tar's order, see `layer-rows.ts`: as objects, those of a large image take 100 MB. */
  readonly rows: Buffer;
}

/** What can go wrong with layers; `said` is one line for people. */
export type FlattenFailure = "corrupt" | "unsuitable" | "no-space" | "cancelled" | "other";

export type Flattened<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: FlattenFailure; readonly said: string };

/** A layer that cannot be used, found while it is read. */
export class UnreadableLayer extends Error {
  override readonly name = "UnreadableLayer";
  readonly failure: "corrupt" | "unsuitable";
  constructor(failure: "corrupt" | "unsuitable", message: string) {
    super(message);
    this.failure = failure;
  }
}

/** A name for people, on one line: UTF-8 where it is that, control characters and what is no UTF-8 replaced. */
export function asText(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1")
    .toString("utf8")
    .replace(/\p{Cc}/gu, "?");
}

/** The bytes of a text in UTF-8. */
export function asBytes(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

import { chmodSync, mkdirSync } from "node:fs";
import { errorCode } from "../host/files.ts";

/** What one image in the cache is known by; two entries differ when any part does. */
export interface EntryKey {
  /** Of the image's manifest: `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  /** As OCI says it: `amd64`, `arm64`. */
  readonly arch: string;
  readonly kind: EntryKind;
  /** What else changes the result, as a short hash; empty for nothing. */
  readonly variant: string;
}

/** A SquashFS file, or a directory that ch-run uses as it is. */
export type EntryKind = "sqfs" | "directory";

/** Directories of one cache. All lie in one file system, so that a rename moves a whole image at once. */
export interface Layout {
  /** `DIR/v1`: another layout gets another number, and both can be used side by side. */
  readonly root: string;
  /** `entries/KEY/{image.sqfs|image, entry.json}`: whole images, never changed. */
  readonly entries: string;
  /** `layers/sha256/HEX`: layers as the registry sends them, and `HEX.note`: what is known of them. */
  readonly layers: string;
  /** `refs/HASH/…`: what references were resolved to, and who may pull them. */
  readonly refs: string;
  /** `filling/KEY/TOKEN.json`: claims of those who make an entry or fetch a layer. */
  readonly filling: string;
  /** `in-use/KEY/TOKEN.json`: leases of jobs, and the marks of evictions. */
  readonly inUse: string;
  /** `tmp/TOKEN/…`: what a filler has made so far. */
  readonly tmp: string;
  /** Entries on their way to removal. */
  readonly trash: string;
}

const VERSION = "v1";
const DIGEST = /^sha256:([0-9a-f]{64})$/;
const KEY_NAME = /^sha256-([0-9a-f]{64})\.([a-z0-9_]+)\.(sqfs|directory)(?:\.([A-Za-z0-9_-]+))?$/;

export function layoutOf(dir: string): Layout {
  const root = `${dir}/${VERSION}`;
  return {
    root,
    entries: `${root}/entries`,
    layers: `${root}/layers/sha256`,
    refs: `${root}/refs`,
    filling: `${root}/filling`,
    inUse: `${root}/in-use`,
    tmp: `${root}/tmp`,
    trash: `${root}/trash`,
  };
}

/** Makes what is missing of the directories; throws what mkdir(2) reports. */
export function makeLayout(layout: Layout, mode: number): void {
  for (const path of [layout.root, `${layout.root}/layers`, ...Object.values(layout)])
    makeDirectory(path, mode);
}

/** Makes one directory with this very mode, whatever the umask; leaves one that is there alone. */
export function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    throw error;
  }
  chmodSync(path, mode);
}

/** The 64 hexadecimal digits of a digest. Others are not content that could be verified. */
export function hexOf(digest: string): string {
  const hex = DIGEST.exec(digest)?.[1];
  if (hex === undefined) {
    throw new Error(`digest ${JSON.stringify(digest)}; wanted: sha256: and 64 hexadecimal digits`);
  }
  return hex;
}

/** Name of an entry's directory. It has no colon or comma, which ch-run could take for its own. */
export function entryName(key: EntryKey): string {
  const variant = key.variant === "" ? "" : `.${key.variant}`;
  const name = `sha256-${hexOf(key.digest)}.${key.arch}.${key.kind}${variant}`;
  if (!KEY_NAME.test(name)) throw new Error(`no name for a cache entry: ${JSON.stringify(key)}`);
  return name;
}

/** The key of an entry's directory; undefined for a name that this program does not give. */
export function keyOf(name: string): EntryKey | undefined {
  const parts = KEY_NAME.exec(name);
  if (parts === null) return undefined;
  const [, hex = "", arch = "", kind = "", variant = ""] = parts;
  return {
    digest: `sha256:${hex}`,
    arch,
    kind: kind === "sqfs" ? "sqfs" : "directory",
    variant,
  };
}

/** The image within an entry's directory. */
export function imagePath(directory: string, kind: EntryKind): string {
  return `${directory}/${kind === "sqfs" ? "image.sqfs" : "image"}`;
}

/** Place of the claim of whoever fetches a layer. */
export function layerClaim(layout: Layout, hex: string): string {
  return `${layout.filling}/layer-${hex}`;
}

import { readdirSync, readFileSync } from "node:fs";
import { errorCode, exists, readJson } from "../host/files.ts";
import { hexOf, makeDirectory } from "./layout.ts";
import { type Store, writeFor } from "./store.ts";

/** The grant of an image that was pulled without an account: whoever may use the cache may have it. */
export const PUBLIC = "public";

/** What a reference was last resolved to. */
export interface KnownReference {
  readonly digest: string;
  /** When, milliseconds since 1970. */
  readonly at: number;
  /** Who was seen to be allowed to pull this digest by this reference. */
  readonly grants: readonly string[];
}

/** What `ref.json` holds; grants lie beside it, a file each, so that jobs which write at once lose none. */
export interface ReferenceRecord {
  readonly version: 1;
  readonly reference: string;
  readonly arch: string;
  readonly digest: string;
  readonly at: number;
}

/**
 * Remembers that a registry resolved a reference for someone. `grant` says who may have it: an opaque text that can be
 * compared (never a password), or {@link PUBLIC}.
 */
export function remember(
  store: Store,
  reference: string,
  arch: string,
  digest: string,
  grant: string,
): void {
  if (!store.writable) return;
  const place = refPlace(store, reference, arch);
  const grants = `${place}/${hexOf(digest)}`;
  makeDirectory(place, store.mode);
  makeDirectory(grants, store.mode);
  const file = `${grants}/${hash(grant)}`;
  if (!exists(file)) writeFor(store, file, grant);
  const record: ReferenceRecord = { version: 1, reference, arch, digest, at: store.now() };
  writeFor(store, `${place}/ref.json`, JSON.stringify(record));
}

/** What is known of a reference, from an earlier {@link remember}. */
export function recall(store: Store, reference: string, arch: string): KnownReference | undefined {
  const place = refPlace(store, reference, arch);
  const record = readReference(place);
  if (record?.reference !== reference || record.arch !== arch) return undefined;
  const { digest, at } = record;
  return { digest, at, grants: readGrants(`${place}/${hexOf(digest)}`) };
}

/** The record in a directory of `refs/`. */
export function readReference(place: string): ReferenceRecord | undefined {
  const value = readJson(`${place}/ref.json`) as Partial<ReferenceRecord> | null | undefined;
  const complete =
    value?.version === 1 &&
    typeof value.reference === "string" &&
    typeof value.digest === "string" &&
    typeof value.at === "number";
  return complete ? (value as ReferenceRecord) : undefined;
}

function readGrants(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => !name.endsWith(".tmp"));
    return names.map((name) => readFileSync(`${directory}/${name}`, "utf8")).sort();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

function refPlace(store: Store, reference: string, arch: string): string {
  return `${store.layout.refs}/${hash(`${arch} ${reference}`)}`;
}

function hash(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

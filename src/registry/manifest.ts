import { quoted } from "../plan/quoted.ts";
import { configTypeProblem, kindOf, layerTypeProblem } from "./media-types.ts";
import { choosePlatform, type PlatformEntry } from "./platform.ts";
import type { Architecture, Descriptor, RegistryFailure } from "./types.ts";

/** What a manifest or an index leads to. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: RegistryFailure; readonly said: string };

export type ManifestStep =
  | {
      readonly kind: "manifest";
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
    }
  | { readonly kind: "index"; readonly chosen: Descriptor };

type Json = Readonly<Record<string, unknown>>;

/** Reads a manifest or an index of either standard (Docker's schema 2, OCI) and picks the architecture of an index. */
export function readManifest(
  text: string,
  contentType: string,
  architecture: Architecture,
): Read<ManifestStep> {
  const document = parseObject(text);
  if (document === undefined)
    return bad("other", `its manifest is no JSON object: ${quoted(text.slice(0, 60))}`);
  switch (kindOf(document, contentType)) {
    case "index":
      return readIndex(document, architecture);
    case "manifest":
      return readImage(document);
    case "schema1":
      return bad("unsuitable", "it has only the outdated manifest schema 1: push it again");
    default:
      return bad("unsuitable", `it is no container image, but ${contentType || "of no type"}`);
  }
}

function readIndex(document: Json, architecture: Architecture): Read<ManifestStep> {
  const entries: PlatformEntry[] = [];
  for (const entry of list(document["manifests"])) {
    const descriptor = readDescriptor(entry);
    if (descriptor === undefined) return bad("other", "its index has an entry without digest");
    const platform = object(object(entry)?.["platform"]);
    entries.push({
      ...descriptor,
      ...(platform && {
        platform: {
          os: text(platform["os"]),
          architecture: text(platform["architecture"]),
          variant: text(platform["variant"]),
        },
      }),
    });
  }
  const choice = choosePlatform(entries, architecture);
  return choice.ok
    ? { ok: true, value: { kind: "index", chosen: choice.entry } }
    : bad("unsuitable", choice.said);
}

function readImage(document: Json): Read<ManifestStep> {
  const config = readDescriptor(document["config"]);
  if (config === undefined) return bad("other", "its manifest names no configuration");
  const wrong = configTypeProblem(config.mediaType);
  if (wrong !== undefined) return bad("unsuitable", wrong);
  const layers: Descriptor[] = [];
  for (const entry of list(document["layers"])) {
    const layer = readDescriptor(entry);
    if (layer === undefined) return bad("other", "its manifest has a layer without digest or size");
    const problem = layerTypeProblem(layer.mediaType);
    if (problem !== undefined) return bad("unsuitable", problem);
    layers.push(layer);
  }
  return { ok: true, value: { kind: "manifest", config, layers } };
}

function readDescriptor(value: unknown): Descriptor | undefined {
  const descriptor = object(value);
  const [digest, size] = [text(descriptor?.["digest"]), descriptor?.["size"]];
  if (!isDigest(digest) || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    return undefined;
  return { digest, size, mediaType: text(descriptor?.["mediaType"]) };
}

/** A digest that can be verified here: SHA-256, which is all that registries use. */
export function isDigest(value: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(value);
}

export function parseObject(json: string): Json | undefined {
  try {
    return object(JSON.parse(json));
  } catch {
    return undefined;
  }
}

/** The value if it is a JSON object. */
export function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined;
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function bad<T>(failure: RegistryFailure, said: string): Read<T> {
  return { ok: false, failure, said };
}

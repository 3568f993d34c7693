/** Manifests and indexes that can be read, for the `Accept` header. */
export const MANIFEST_TYPES = {
  index: [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
  ],
  manifest: [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
  ],
} as const satisfies Record<string, readonly string[]>;

const CONFIG_TYPES: readonly string[] = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
];

const LAYER =
  /^application\/vnd\.(?:oci\.image\.layer\.v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.diff\.tar(?:[.+](?:gzip|zstd))?)$/;

/** What a JSON document is; Docker Registry may leave the type to the `Content-Type`, so the content decides last. */
export function kindOf(document: Readonly<Record<string, unknown>>, contentType: string) {
  const declared =
    typeof document["mediaType"] === "string" ? document["mediaType"] : bareType(contentType);
  const among = (types: readonly string[]) => types.includes(declared);
  if (document["schemaVersion"] === 1) return "schema1";
  if (among(MANIFEST_TYPES.index)) return "index";
  if (among(MANIFEST_TYPES.manifest)) return "manifest";
  if (Array.isArray(document["manifests"])) return "index";
  return Array.isArray(document["layers"]) ? "manifest" : "unknown";
}

/** `text/html` of `text/html; charset=utf-8`. */
export function bareType(contentType: string): string {
  return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}

/** Why a configuration of this type makes no container image; undefined: it is one. */
export function configTypeProblem(type: string): string | undefined {
  if (CONFIG_TYPES.includes(type)) return undefined;
  return `it is no container image: its configuration is ${type || "of no type"}`;
}

/** Why a layer of this type cannot be used; undefined: it can. */
export function layerTypeProblem(type: string): string | undefined {
  if (LAYER.test(type)) return undefined;
  if (/\+encrypted$/.test(type)) return `it has an encrypted layer (${type})`;
  if (/foreign|nondistributable/.test(type))
    return `it has a layer that its registry does not hold (${type})`;
  return `it has a layer of an unknown type (${type || "none"})`;
}

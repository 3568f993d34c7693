import { canonicalRegistry, parseRegistryPrefix } from "../settings/registry-prefix.ts";
import type { CharliecloudSettings, MirrorSettings } from "../settings/settings.ts";
import type { Decision } from "./decision.ts";
import { isWithin } from "./paths.ts";
import type { Reference } from "./reference.ts";

const MIRROR = "[[general.charliecloud.mirror]]";
const OFFLINE = "[general.charliecloud] offline";

/** Where an image is asked for; `none`: the site is offline and has no mirror of its registry. */
export interface SourceChoice extends Decision<"registry" | "mirror" | "none"> {
  /** `host[:port]` of the registry in the image's name; `docker.io` for all names of Docker Hub. */
  readonly registry: string;
  /** Only of a mirror: what is asked instead. The image's whole path follows `path`. */
  readonly mirror?: {
    /** `host[:port]`, for the account too. */
    readonly host: string;
    /** Without slashes at its ends; may be empty. */
    readonly path: string;
    /** Both: `host[:port][/path]`. */
    readonly prefix: string;
  };
}

/**
 * Chooses where an image is asked for: at the mirror whose registry fits the most of the image's name, else at its own
 * registry. The name itself stays what it is: allowlist, cache and messages know it by its canonical form.
 */
export function chooseMirror(
  reference: Pick<Reference, "canonical">,
  { mirrors, offline }: Pick<CharliecloudSettings, "mirrors" | "offline">,
): SourceChoice {
  const name = nameOf(reference);
  const registry = name.slice(0, name.indexOf("/"));
  const found = mirrors
    .map((settings) => ({
      settings,
      place: parseRegistryPrefix(settings.mirror),
      covered: covers(settings),
    }))
    .filter(({ covered }) => covered !== undefined && isWithin(name, covered))
    .toSorted((a, b) => (b.covered?.length ?? 0) - (a.covered?.length ?? 0))[0];
  if (found?.place !== undefined) {
    const { host, path } = found.place;
    return {
      choice: "mirror",
      because: `the site has the mirror ${found.settings.mirror} of ${found.settings.registry}`,
      from: MIRROR,
      registry,
      mirror: { host, path, prefix: path === "" ? host : `${host}/${path}` },
    };
  }
  if (offline) {
    const because = `this site asks no registry but its mirrors, and has none of ${registry}`;
    return { choice: "none", because, from: OFFLINE, registry };
  }
  const because =
    mirrors.length === 0 ? "the site has no mirrors" : `the site has no mirror of ${registry}`;
  return { choice: "registry", because, from: MIRROR, registry };
}

/** The image's canonical name without its tag or digest, with the host in small letters. */
function nameOf({ canonical }: Pick<Reference, "canonical">): string {
  const [name = ""] = canonical.split("@");
  const slash = name.indexOf("/");
  const path = name.slice(slash).replace(/:.*$/, "");
  return `${canonicalRegistry(name.slice(0, slash))}${path}`;
}

function covers({ registry }: MirrorSettings): string | undefined {
  const prefix = parseRegistryPrefix(registry);
  if (prefix === undefined) return undefined;
  const host = canonicalRegistry(prefix.host);
  return prefix.path === "" ? host : `${host}/${prefix.path}`;
}

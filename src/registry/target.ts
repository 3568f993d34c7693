import type { Reference } from "../plan/reference.ts";
import type { ImageTarget } from "./types.ts";

const DOCKER_HUB = "docker.io";
/** The host that answers for Docker Hub's names. */
const HUB_API = "registry-1.docker.io";

/** The registry by which mirrors and accounts are chosen: `host[:port]`, `docker.io` for all names of Docker Hub. */
export function registryOf(reference: Pick<Reference, "canonical">): string {
  return reference.canonical.slice(0, reference.canonical.indexOf("/"));
}

/**
 * Where the API has an image. A mirror is `host[:port][/prefix]` and is asked instead of the registry in the name:
 * `debian` on `registry.site.example/hub` is `hub/library/debian` there.
 */
export function imageTarget(
  reference: Pick<Reference, "canonical" | "tag" | "digest">,
  mirror?: string,
): ImageTarget {
  const { canonical, tag, digest } = reference;
  const suffix = digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`;
  const registry = registryOf(reference);
  const repository = canonical.slice(registry.length + 1, canonical.length - suffix.length);
  const wanted = digest ?? tag ?? "latest";
  if (mirror === undefined) {
    return {
      registry: registry === DOCKER_HUB ? HUB_API : registry,
      repository,
      reference: wanted,
    };
  }
  const [host = "", ...prefix] = mirror.replace(/\/+$/, "").split("/");
  return { registry: host, repository: [...prefix, repository].join("/"), reference: wanted };
}

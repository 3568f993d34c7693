/** A registry's host with an optional port and path: `docker.io`, `registry.example:5000/group`. */
export interface RegistryPrefix {
  /** In small letters, with its port if it has one. */
  readonly host: string;
  /** Without slashes at its ends; empty where a whole registry is meant. */
  readonly path: string;
}

const LABEL = "[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?";
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*(?::[1-9]\\d{0,4})?$`);
const COMPONENT = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/;

/** The names by which image names and admins know Docker Hub's registry. */
const HUB_ALIASES: readonly string[] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/**
 * Reads `host[:port][/path]`. As in image names, a host has a dot or a port; the aliases of Docker Hub stay what they
 * are. Undefined for anything else: a scheme, spaces, a tag, a slash at the end.
 */
export function parseRegistryPrefix(text: string): RegistryPrefix | undefined {
  const [first = "", ...rest] = text.split("/");
  const host = first.toLowerCase();
  if (!HOST.test(host) || !/[.:]/.test(host)) return undefined;
  return rest.every((component) => COMPONENT.test(component))
    ? { host, path: rest.join("/") }
    : undefined;
}

/** One name for each registry: Docker Hub's aliases are `docker.io`. */
export function canonicalRegistry(host: string): string {
  const lower = host.toLowerCase();
  return HUB_ALIASES.includes(lower) ? "docker.io" : lower;
}

import type { Architecture, Descriptor } from "./types.ts";

/** An entry of an index; without platform it may be anything. */
export interface PlatformEntry extends Descriptor {
  readonly platform?: {
    readonly os: string;
    readonly architecture: string;
    readonly variant: string;
  };
}

/** Variants that every machine of the architecture runs, best first. */
const BASE_VARIANTS: Readonly<Record<Architecture, readonly string[]>> = {
  amd64: ["", "v1"],
  arm64: ["v8", "", "v8.0"],
};

/**
 * Picks the entry for Linux on an architecture: a variant for all machines of it rather than one for newer ones, among
 * these the lowest; the first of equals. An index whose only entry has no platform means that one.
 */
export function choosePlatform(
  entries: readonly PlatformEntry[],
  architecture: Architecture,
):
  | { readonly ok: true; readonly entry: Descriptor }
  | { readonly ok: false; readonly said: string } {
  const fitting = entries.filter(
    ({ platform }) => platform?.os === "linux" && platform.architecture === architecture,
  );
  const rank = ({ platform }: PlatformEntry) => {
    const place = BASE_VARIANTS[architecture].indexOf(platform?.variant ?? "");
    return place < 0 ? BASE_VARIANTS[architecture].length : place;
  };
  const name = ({ platform }: PlatformEntry) => platform?.variant ?? "";
  const [best] = fitting.toSorted((a, b) => rank(a) - rank(b) || name(a).localeCompare(name(b)));
  const [first, ...more] = entries;
  const chosen = best ?? (more.length === 0 && !first?.platform ? first : undefined);
  if (chosen === undefined) {
    return { ok: false, said: `it has no image for linux/${architecture}, only ${known(entries)}` };
  }
  const { digest, size, mediaType } = chosen;
  return { ok: true, entry: { digest, size, mediaType } };
}

function known(entries: readonly PlatformEntry[]): string {
  const names = entries.flatMap(({ platform }) =>
    // Attestations and signatures call themselves unknown/unknown.
    platform === undefined || platform.os === "unknown"
      ? []
      : [[platform.os, platform.architecture, platform.variant].filter((part) => part).join("/")],
  );
  return names.length === 0
    ? "entries without a platform"
    : `for ${[...new Set(names)].join(", ")}`;
}

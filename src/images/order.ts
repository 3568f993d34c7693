import type { EntryKind } from "../cache/layout.ts";
import type { MountPoint } from "../charliecloud/image-store.ts";
import type { Decision } from "../plan/decision.ts";
import type { SourceChoice } from "../plan/mirror.ts";
import type { Architecture, ImageTarget } from "../registry/types.ts";
import type { PullPolicy } from "../settings/settings.ts";

/** What a job, or an admin who warms the cache, wants of an image. Plain data, no secret. */
export interface ImageOrder {
  /** The name with all defaults, by which the cache remembers it. */
  readonly reference: string;
  /** Who chose the image, and the key that says so. */
  readonly origin: { readonly fault: "user" | "admin"; readonly from: string };
  /** Tried in order until one gives the image. */
  readonly policies: readonly Decision<PullPolicy>[];
  /** The registry, or the mirror of it, that is asked. */
  readonly asked: SourceChoice;
  readonly target: ImageTarget;
  readonly architecture: Architecture;
  readonly kind: EntryKind;
  /** What the image must offer for bind mounts. */
  readonly mountPoints: readonly EntryMountPoint[];
  /** For whom a successful answer of the registry counts; see `grantOf`. */
  readonly grant: string;
  /** Whether the registry is asked with an account. */
  readonly anonymous: boolean;
  readonly puller: "builtin" | "ch-image";
}

export interface EntryMountPoint extends Pick<MountPoint, "target" | "fault" | "from"> {
  readonly isFile: boolean;
}

/** What else than the image's digest changes an entry, as a short hash; empty for nothing. */
export function variantOf(mountPoints: readonly EntryMountPoint[]): string {
  if (mountPoints.length === 0) return "";
  const places = mountPoints.map(
    ({ target, isFile }) => `${isFile ? "file" : "directory"} ${target}`,
  );
  const text = [...new Set(places)].sort().join("\n");
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);
}

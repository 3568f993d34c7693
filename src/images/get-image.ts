import type { AcquiredEntry, ImageCache } from "../cache/cache.ts";
import type { EntryKey } from "../cache/layout.ts";
import { accept, type Verdict } from "../plan/decision.ts";
import { type ImageOrder, variantOf } from "./order.ts";
import { resolveDigest } from "./resolve.ts";
import type { FillTimes, ImageTools } from "./tools.ts";

/** An image of the cache that stays as it is until its lease is given back. */
export interface GotImage extends AcquiredEntry {
  readonly digest: string;
  readonly times: ImageTimes;
}

/** Seconds; without phases when the image was there. */
export interface ImageTimes extends FillTimes {
  /** In all, with waiting for others. */
  readonly all: number;
}

/** Gets an image: finds out which one the reference means, and takes it from the cache or puts it there. */
export async function getImage(
  order: ImageOrder,
  cache: ImageCache,
  tools: ImageTools,
): Promise<Verdict<GotImage>> {
  const { reference, architecture: arch, kind, grant } = order;
  const start = performance.now();
  const variant = variantOf(order.mountPoints);
  const keyOf = (digest: string): EntryKey => ({ digest, arch, kind, variant });
  const known = {
    recall: () => cache.recall(reference, arch),
    remember: (digest: string) => cache.remember(reference, arch, digest, grant),
    has: (digest: string) => cache.has(keyOf(digest)),
  };
  const resolved = await resolveDigest(order, known, tools.registry, tools.log);
  if (!resolved.ok) return resolved;
  const { digest, because } = resolved.value;
  let phases: FillTimes = {};
  const noteTimes = (times: FillTimes) => {
    phases = times;
  };
  const got = await cache.acquire({
    key: keyOf(digest),
    reference,
    puller: order.puller,
    // Loaded only where an image is absent: they take longer to load than the rest of a hit takes.
    fill: async (filling) => {
      if (order.puller === "ch-image") {
        const { fillByChImage } = await import("./fill-ch-image.ts");
        return await fillByChImage(order, digest, tools, filling, noteTimes);
      }
      const { fillBuiltin } = await import("./fill-builtin.ts");
      return await fillBuiltin({ order, digest, tools, cache, filling, noteTimes });
    },
  });
  if (!got.ok) return got;
  const { hit, size } = got.value;
  const all = (performance.now() - start) / 1000;
  const how = hit ? "from the image cache" : `pulled by ${order.puller}`;
  tools.log.log(
    `Image ${reference}: ${digest}, ${(size / 1e6).toFixed(1)} MB, ${how} in ${all.toFixed(1)} s (${because})`,
  );
  return accept({ ...got.value, digest, times: { all, ...(hit ? {} : phases) } });
}

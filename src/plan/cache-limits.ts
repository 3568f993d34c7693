import type { CacheSettings } from "../settings/settings.ts";

/** What a cache of images may grow to; a limit that is absent does not hold. */
export interface CacheLimits {
  /** Bytes. */
  readonly maxSize?: number;
  /** Seconds since an image was last used. */
  readonly maxAge?: number;
  /** Bytes that stay free on the file system. */
  readonly minFree?: number;
}

/**
 * The limits that the configuration sets, in bytes and seconds; 0 in a key switches its limit off.
 *
 * @param capacity bytes of the file system that the cache lies on.
 */
export function cacheLimits(
  {
    max_size: size,
    max_age: age,
    min_free: free,
  }: Pick<CacheSettings, "max_size" | "max_age" | "min_free">,
  capacity: number,
): CacheLimits {
  const minFree = "percent" in free ? Math.floor((capacity * free.percent) / 100) : free.bytes;
  return {
    ...(size === undefined || size === 0 ? {} : { maxSize: size }),
    ...(age === 0 ? {} : { maxAge: age }),
    ...(minFree === 0 ? {} : { minFree }),
  };
}

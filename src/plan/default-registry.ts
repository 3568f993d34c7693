/** The registry of image names without one, where the site has another than Docker Hub. */
export interface DefaultRegistry {
  /** `host` or `host:port`, not checked. */
  readonly host: string;
  /** What comes before the image's path, without slashes at its ends; may be empty. */
  readonly prefix: string;
}

/**
 * Reads the variables that ch-image has for it, `CH_REGY_DEFAULT_HOST`, `CH_REGY_DEFAULT_PORT` and
 * `CH_REGY_PATH_PREFIX`, from what the administrator sets for all jobs; those of a user do not count.
 */
export function defaultRegistry(
  admin: Readonly<Record<string, string>>,
): DefaultRegistry | undefined {
  const host = admin["CH_REGY_DEFAULT_HOST"];
  if (host === undefined) return undefined;
  const port = admin["CH_REGY_DEFAULT_PORT"] ?? "443";
  const prefix = (admin["CH_REGY_PATH_PREFIX"] ?? "").replace(/^\/+|\/+$/g, "");
  return { host: port === "443" ? host : `${host}:${port}`, prefix };
}

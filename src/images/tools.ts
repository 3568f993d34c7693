import type { Log } from "../host/log.ts";
import type { RegistryClient } from "../registry/types.ts";

/** Seconds that a cache entry took, by phase. */
export interface FillTimes {
  /** Manifest and layers. */
  readonly pull?: number;
  /** One tree, packed. */
  readonly flatten?: number;
}

/** With what images are fetched and packed. */
export interface ImageTools {
  readonly registry: RegistryClient;
  readonly packer: {
    readonly mksquashfs: string | undefined;
    readonly tar: string;
    readonly env: Readonly<Record<string, string>>;
  };
  /** For `puller = "ch-image"`. */
  readonly chImage?: {
    readonly path: string;
    /** Its whole environment for one storage directory, account included. */
    readonly env: (storage: string) => Readonly<Record<string, string>>;
  };
  readonly log: Log;
  /** Somebody looks at the progress. */
  readonly terminal: boolean;
  readonly signal: AbortSignal;
}

import type { Log } from "../host/log.ts";

/** What the registry API is asked for; see `imageTarget`. */
export interface ImageTarget {
  /** `host` or `host:port` that speaks the API, always over TLS. */
  readonly registry: string;
  /** E.g. `library/debian`. */
  readonly repository: string;
  /** A tag, or `sha256:` and 64 hexadecimal digits. */
  readonly reference: string;
}

export interface RegistryOptions {
  /** Given to the registry of the target, or to the token service that this registry names, and to nobody else. */
  readonly account?: { readonly username: string; readonly password: string };
  /** PEM file, or a directory of them as OpenSSL has it, that is trusted besides the system's CAs (`REQUESTS_CA_BUNDLE`). */
  readonly caBundle?: string;
  /** `https_proxy`, `all_proxy`, `no_proxy` and their upper-case forms, of the login shell. The hook's own do not count. */
  readonly proxies: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970 when everything that is asked of this client must be done, with all retries. */
  readonly deadline: number;
  readonly limits?: Partial<Limits>;
  /** For tests. @default {Date.now} */
  readonly now?: () => number;
  /** For tests; ends early when the signal aborts. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** For tests: the jitter, 0 to 1. @default {Math.random} */
  readonly random?: () => number;
}

export interface Limits {
  /** Tries of one request that fail in a row without any progress. @default {6} */
  readonly attempts: number;
  /** Milliseconds from the beginning of a request to the answer's header. @default {60000} */
  readonly answer: number;
  /** Milliseconds in which a body must bring `stallBytes`. @default {60000} */
  readonly stallWindow: number;
  /** @default {60 kB} */
  readonly stallBytes: number;
}

/**
 * `denied` 401 or 403; `missing` 404; `limited` 429; `unreachable` no connection, no answer in time or 5xx, after all
 * retries; `untrusted` certificate; `no-tls` plain HTTP; `unsuitable` no image that this host can use; `corrupt` other
 * bytes than the digest says; `no-space` on this host's disk; `other` an answer that makes no sense, or a file error.
 */
export type RegistryFailure =
  | "denied"
  | "missing"
  | "limited"
  | "unreachable"
  | "untrusted"
  | "no-tls"
  | "unsuitable"
  | "corrupt"
  | "no-space"
  | "cancelled"
  | "other";

/** `said` is one line for people, without secrets. */
export type Answered<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: RegistryFailure; readonly said: string };

/** OCI's names of architectures. */
export type Architecture = "amd64" | "arm64";

export interface Descriptor {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly mediaType: string;
}

export interface LayerDescriptor extends Descriptor {
  /** Digest of the layer's tar before compression. */
  readonly diffId: string;
}

/** The parts of an OCI image configuration that a job needs, with OCI's names. */
export interface ImageConfig {
  readonly architecture?: string;
  readonly os?: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly User: string;
  /** The whole text as the registry has it. */
  readonly raw: string;
}

export interface ImageManifest {
  /** Of the platform's manifest, not of an index. */
  readonly digest: string;
  readonly config: ImageConfig;
  /** Lowest first. */
  readonly layers: readonly LayerDescriptor[];
}

export interface RegistryClient {
  /** What a tag stands for now: the digest of a manifest or an index. A HEAD; a GET where that does not tell. */
  readonly resolve: (
    target: ImageTarget,
  ) => Promise<Answered<{ readonly digest: string; readonly mediaType: string }>>;
  /** The image's manifest by its digest, through an index to the architecture, with its configuration; all verified. */
  readonly image: (
    target: ImageTarget,
    digest: string,
    architecture: Architecture,
  ) => Promise<Answered<ImageManifest>>;
  /**
   * Downloads a blob to `file`, which must not exist, and verifies size and digest; resumes after a cut. `onBytes` gets
   * the progress, a negative number when it has to begin anew. A failure leaves no file. The file is not fsynced.
   */
  readonly blob: (
    target: ImageTarget,
    descriptor: Descriptor,
    file: string,
    onBytes?: (bytes: number) => void,
  ) => Promise<Answered<void>>;
}

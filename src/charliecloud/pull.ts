import type { Log } from "../host/log.ts";
import type { Refusal } from "../plan/decision.ts";
import { type PullFailure, pullImage } from "./ch-image.ts";
import { storageLockHolder } from "./storage.ts";

const BUSY_POLL_MILLISECONDS = 1000;
/** `Refusal.from` of a pull that the runner stopped. */
export const CANCELLED = "signal";

/** What of an image request a pull needs; see `ImageRequest`. */
export interface PullTarget {
  readonly reference: string;
  readonly registry: string;
  readonly chImage: string;
  readonly env: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
  /** Who chose the image, and the key that says so. */
  readonly origin: { readonly fault: "user" | "admin"; readonly from: string };
}

export interface PullProblem {
  readonly refusal: Refusal;
  /** The registry said no before ch-image began to change the image of that name in the storage. */
  readonly untouched: boolean;
}

/**
 * Pulls an image into the storage as `name`; waits while somebody else's ch-image works on the storage, which ch-image
 * itself takes for an error.
 */
export async function pullWaiting(
  options: { readonly storage: string; readonly log: Log; readonly signal: AbortSignal },
  target: PullTarget,
  name: string,
): Promise<PullProblem | undefined> {
  const { chImage, reference, env } = target;
  const { log, signal, storage } = options;
  const onLine = (line: string) => {
    if (!isProgress(line) && !isBusy(line)) log.log(line);
  };
  for (let told = false; ; told = true) {
    const failed = await pullImage({ chImage, reference, destination: name, env, onLine, signal });
    if (failed === undefined) return undefined;
    if (failed.failure !== "busy") {
      return {
        refusal: explain(failed.failure, failed.said, target),
        untouched: UNTOUCHED.has(failed.failure),
      };
    }
    if (!told) {
      const holder = storageLockHolder(storage);
      log.log(`Waiting for ch-image, which works on ${storage}${holder ? ` (${holder})` : ""}`);
    }
    await Bun.sleep(BUSY_POLL_MILLISECONDS);
    signal.throwIfAborted();
  }
}

/** ch-image downloads everything before it unpacks anything. */
const UNTOUCHED: ReadonlySet<PullFailure> = new Set([
  "denied",
  "unreachable",
  "untrusted",
  "no-tls",
]);

/** What ch-image says of a storage that is in use, each time it is asked. */
function isBusy(line: string): boolean {
  return /storage directory is already in use|concurrent instances of ch-image/.test(line);
}

/** ch-image reports each step of a download; the last one of a layer is enough. */
function isProgress(line: string): boolean {
  return /downloading: /.test(line) && !/\(100%\)$/.test(line);
}

function explain(failure: PullFailure, said: string, target: PullTarget): Refusal {
  const { reference, registry, origin } = target;
  switch (failure) {
    case "denied":
      return denied(said, target);
    case "unsuitable":
      return {
        fault: origin.fault,
        from: origin.from,
        message: `cannot use ${reference}: ${said}; wanted: an image for this host's architecture with gzip layers`,
      };
    case "unreachable":
      return refused(
        "system",
        "registry",
        `cannot pull ${reference}: ${registry} does not answer, or not with the image (${said})`,
      );
    case "no-tls":
      return refused(
        "admin",
        "registry",
        `cannot pull ${reference}: ${registry} speaks plain HTTP, which ch-image does not (${said}); wanted: a registry with TLS`,
      );
    case "untrusted":
      return refused(
        "admin",
        "registry",
        `cannot pull ${reference}: the TLS certificate of ${registry} is not trusted (${said}); ` +
          `set REQUESTS_CA_BUNDLE in [general] user_bash_env or install its CA on this host`,
      );
    case "no-space":
      return refused(
        "system",
        "[general.charliecloud] image_storage_dir",
        `cannot store ${reference}: ${said}`,
      );
    case "cancelled":
      return refused("system", CANCELLED, `pulling ${reference} was cancelled`);
    default:
      return refused("system", "ch-image", `cannot pull ${reference}: ${said}`);
  }
}

function denied(said: string, target: PullTarget): Refusal {
  const { reference, registry, origin, anonymous } = target;
  const variables = "the CI/CD variables CH_IMAGE_USERNAME and CH_IMAGE_PASSWORD";
  const forUser = anonymous
    ? `it may not be pulled without an account: set ${variables}`
    : `this account may not pull it: set or correct ${variables}`;
  const forAdmin =
    "the job's account may not pull it: an image of the site must be open to every job, whose own variables are not used for it";
  return {
    fault: origin.fault,
    from: origin.from,
    message:
      `cannot pull ${reference} (${origin.from}): ${registry} answered 401, 403 or 404, which ch-image does not tell apart (${said}). ` +
      `Either there is no such image: check its name and tag; or ${origin.fault === "user" ? forUser : forAdmin}`,
  };
}

function refused(fault: Refusal["fault"], from: string, message: string): Refusal {
  return { fault, message, from };
}

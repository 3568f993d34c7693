import { SystemFailure } from "../host/failure.ts";
import type { Log } from "../host/log.ts";
import type { Refusal } from "../plan/decision.ts";
import { type PullFailure, pullImage } from "./ch-image.ts";
import { storageLockHolder } from "./storage.ts";

const BUSY_POLL_MILLISECONDS = 1000;
/** `Refusal.from` of a pull that another pull policy may get round. */
export const UNREACHABLE = "registry";

/** What of an image request a pull needs; see `ImageRequest`. */
export interface PullTarget {
  readonly reference: string;
  readonly registry: string;
  readonly chImage: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
}

/**
 * Pulls an image into the storage as `name`; waits while somebody else's ch-image works on the storage, which ch-image
 * itself takes for an error.
 */
export async function pullWaiting(
  options: { readonly storage: string; readonly log: Log; readonly signal: AbortSignal },
  target: PullTarget,
  name: string,
): Promise<Refusal | undefined> {
  const { chImage, reference, env } = target;
  if (chImage === undefined)
    throw new SystemFailure("cannot pull an image: ch-image was not found");
  const { log, signal, storage } = options;
  const onLine = (line: string) => {
    if (!isProgress(line)) log.log(line);
  };
  for (let told = false; ; told = true) {
    const failed = await pullImage({ chImage, reference, destination: name, env, onLine, signal });
    if (failed === undefined) return undefined;
    if (failed.failure !== "busy") return explain(failed.failure, failed.said, target);
    if (!told) {
      const holder = storageLockHolder(storage);
      log.log(`Waiting for ch-image, which works on ${storage}${holder ? ` (${holder})` : ""}`);
    }
    await Bun.sleep(BUSY_POLL_MILLISECONDS);
    signal.throwIfAborted();
  }
}

/** ch-image reports each step of a download; the last one of a layer is enough. */
function isProgress(line: string): boolean {
  return /downloading: /.test(line) && !/\(100%\)$/.test(line);
}

function explain(failure: PullFailure, said: string, target: PullTarget): Refusal {
  const { reference, registry } = target;
  switch (failure) {
    case "denied":
      return refused(
        "user",
        "image",
        `cannot pull ${reference}: ${registry} answered 401, 403 or 404, which ch-image does not tell apart (${said}). ` +
          `Either there is no such image: check its name and tag; or it may not be pulled ` +
          `${target.anonymous ? "without an account" : "with this account"}: set the CI/CD variables CH_IMAGE_USERNAME and CH_IMAGE_PASSWORD`,
      );
    case "unsuitable":
      return refused(
        "user",
        "image",
        `cannot use ${reference}: ${said}; wanted: an image for this host's architecture with gzip layers`,
      );
    case "unreachable":
      return refused(
        "system",
        UNREACHABLE,
        `cannot pull ${reference}: ${registry} does not answer (${said})`,
      );
    case "untrusted":
      return refused(
        "admin",
        UNREACHABLE,
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
      return refused("system", "signal", `pulling ${reference} was cancelled`);
    default:
      return refused("system", "ch-image", `cannot pull ${reference}: ${said}`);
  }
}

function refused(fault: Refusal["fault"], from: string, message: string): Refusal {
  return { fault, message, from };
}

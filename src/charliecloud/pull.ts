import type { Log } from "../host/log.ts";
import type { Refusal } from "../plan/decision.ts";
import { explainPull, type PullProblem } from "../plan/pull-refusal.ts";
import { type PullFailure, pullImage } from "./ch-image.ts";
import { storageLockHolder } from "./storage.ts";

const BUSY_POLL_MILLISECONDS = 1000;
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

export interface FailedPull {
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
): Promise<FailedPull | undefined> {
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

function explain(failure: PullProblem, said: string, target: PullTarget): Refusal {
  return explainPull(failure, `${BEFORE[failure] ?? ""}${said}${AFTER[failure] ?? ""}`, {
    ...target,
    placeKey: "[general.charliecloud] image_storage_dir",
  });
}

const BEFORE: Readonly<Partial<Record<PullProblem, string>>> = {
  denied: "401, 403 or 404, which ch-image does not tell apart: ",
};
const AFTER: Readonly<Partial<Record<PullProblem, string>>> = {
  unsuitable: "; wanted: an image for this host's architecture with gzip layers",
};

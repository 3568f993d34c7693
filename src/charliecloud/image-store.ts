import { mkdirSync } from "node:fs";
import { type Claim, claimsOn, isStale, release } from "../host/claim.ts";
import { ensureOwnDirectory } from "../host/directory.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorCode, errorMessage, writeAtomically } from "../host/files.ts";
import { withLock } from "../host/lock.ts";
import type { Log } from "../host/log.ts";
import { accept, refuse, type Verdict } from "../plan/decision.ts";
import { deleteImage } from "./ch-image.ts";
import { makeMountPoints } from "./mount-points.ts";
import { pullWaiting, UNREACHABLE } from "./pull.ts";
import { imageDirectory, isComplete, prepareStorage, storageName } from "./storage.ts";

/** What a job wants of an image. */
export interface ImageRequest {
  /** Full name for ch-image, e.g. `registry.example/group/image:tag`. */
  readonly reference: string;
  readonly registry: string;
  /** Tried in order until one gives the image. */
  readonly policies: readonly ("always" | "if-not-present" | "never")[];
  readonly chImage: string | undefined;
  /** Environment of ch-image: login environment, storage, account. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether `env` holds an account: then nobody else's pull is as good as an own one. */
  readonly anonymous: boolean;
  /** Where the image must offer mount points; empty when ch-run makes them itself. */
  readonly mountPoints: readonly { readonly source: string; readonly target: string }[];
  /** Who uses the image and until when. */
  readonly claim: Claim;
  /** When the job asked, milliseconds since 1970. */
  readonly asked: number;
}

/** An image that stays as it is until it is released. */
export interface AcquiredImage {
  /** How ch-run names it. */
  readonly name: string;
  readonly lease: string;
}

export interface ImageStore {
  acquire(request: ImageRequest): Promise<Verdict<AcquiredImage>>;
  release(image: AcquiredImage, token: string, request: ReleaseTools): Promise<void>;
}

export interface ReleaseTools {
  readonly chImage: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

export interface StoreOptions {
  /** The directory that ch-image calls its storage. */
  readonly storage: string;
  /** The key or variable that named it. */
  readonly storageKey: string;
  readonly uid: number;
  readonly log: Log;
  /** For others who wait, e.g. `job 42 on n1`. */
  readonly holder: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

const MAX_SLOTS = 100;

/**
 * Images in a Charliecloud storage, used by name. `ch-image pull` changes an image in place, under the feet of whoever
 * runs it; so every job holds a lease, and a pull goes to a name without leases: the image's own one when it is free,
 * else `jacamar-N/…`, which is deleted again when its last job ends.
 */
export function openImageStore(options: StoreOptions): ImageStore {
  const own = `${options.storage}.jacamar`;
  return {
    acquire: (request) => locked(options, own, () => acquire(options, own, request)),
    async release(image, token, tools) {
      const { chImage, env } = tools;
      if (!release(image.lease, token) || !image.name.startsWith("jacamar-")) return;
      if (chImage === undefined) return;
      // A job does not wait for this: a copy that stays is used by the next one that needs a copy.
      const atOnce = { ...options, signal: AbortSignal.abort("busy") };
      await locked(atOnce, own, async () => {
        if (!inUse(image.lease, options.now())) await deleteImage(chImage, image.name, env);
      }).catch((error: unknown) => {
        if (error !== "busy") throw error;
      });
    },
  };
}

async function locked<T>(options: StoreOptions, own: string, work: () => Promise<T>): Promise<T> {
  prepareStorage(options.storage, options.uid, options.storageKey);
  ensureOwnDirectory({
    path: own,
    mode: 0o700,
    uid: options.uid,
    purpose: "the image storage's lock and leases",
    key: options.storageKey,
  });
  const { log, holder, signal } = options;
  const onWait = (who: string) =>
    log.log(`Waiting for the image storage ${options.storage}, in use by ${who || "another job"}`);
  return await withLock(`${own}/lock`, { holder, onWait, signal }, work);
}

async function acquire(
  options: StoreOptions,
  own: string,
  request: ImageRequest,
): Promise<Verdict<AcquiredImage>> {
  let last: Verdict<AcquiredImage> | undefined;
  for (const policy of request.policies) {
    if (last && !last.ok) {
      options.log.warn(`${last.refusal.message}; trying pull policy "${policy}"`);
    }
    last = await attempt(options, own, request, policy);
    if (last.ok || last.refusal.from !== UNREACHABLE) return last;
  }
  return last ?? unavailable(request, "no pull policy was given");
}

async function attempt(
  options: StoreOptions,
  own: string,
  request: ImageRequest,
  policy: "always" | "if-not-present" | "never",
): Promise<Verdict<AcquiredImage>> {
  const { reference } = request;
  const present = isComplete(options.storage, reference);
  if (policy === "never" && !present) {
    return unavailable(request, `pull policy "never", and ${options.storage} does not hold it`);
  }
  if (policy !== "always" && present) {
    options.log.log(`Using image ${reference} from ${options.storage} (pull policy "${policy}")`);
    return lease(options, own, request, reference);
  }
  const shared = sharedName(options, own, request);
  if (shared !== undefined) {
    options.log.log(`Using image ${reference}, just pulled by another job`);
    return lease(options, own, request, shared);
  }
  const name = freeName(options, own, reference);
  const pulled = options.now();
  const failed = await pullWaiting(options, request, name);
  if (failed) return { ok: false, refusal: failed };
  if (!isComplete(options.storage, name)) {
    throw new SystemFailure(
      `pulled ${reference}, but ${imageDirectory(options.storage, name)} is not a complete image`,
    );
  }
  return lease(options, own, request, name, pulled);
}

/**
 * A name under which the image was pulled after this job asked for it, by a job that needed no account either: as
 * fresh as an own pull, so that many jobs that start together pull twice at most.
 */
function sharedName(options: StoreOptions, own: string, request: ImageRequest): string | undefined {
  if (!request.anonymous) return undefined;
  return slotNames(request.reference).find((name) =>
    claimsOn(leasePlace(own, name)).some(
      (claim) =>
        claim?.notes["anonymous"] === "yes" &&
        Number(claim.notes["pulled"]) >= request.asked &&
        isComplete(options.storage, name),
    ),
  );
}

/** The image's own name when no running job uses it, else the first free `jacamar-N/…`. */
function freeName(options: StoreOptions, own: string, reference: string): string {
  const free = slotNames(reference).find((name) => !inUse(leasePlace(own, name), options.now()));
  if (free !== undefined) return free;
  throw new SystemFailure(`${MAX_SLOTS} copies of ${reference} are in use in ${options.storage}`);
}

function slotNames(reference: string): string[] {
  const path = reference.replace(/^([^/]+):(\d+)\//, "$1-$2/");
  return Array.from({ length: MAX_SLOTS }, (_, n) =>
    n === 0 ? reference : `jacamar-${n}/${path}`,
  );
}

function unavailable(request: ImageRequest, why: string): Verdict<AcquiredImage> {
  return refuse("user", `cannot use image ${request.reference}: ${why}`, "image: pull_policy");
}

function lease(
  options: StoreOptions,
  own: string,
  request: ImageRequest,
  name: string,
  pulled = 0,
): Verdict<AcquiredImage> {
  addMountPoints(options, request, name);
  const place = leasePlace(own, name);
  const notes = { anonymous: request.anonymous ? "yes" : "no", pulled: String(pulled) };
  const text = JSON.stringify({ ...request.claim, notes });
  for (let tries = 0; ; tries++) {
    try {
      mkdirSync(place, { recursive: true, mode: 0o700 });
      writeAtomically(`${place}/${request.claim.token}.json`, text);
      return accept({ name, lease: place });
    } catch (error) {
      // A job that ends takes the directory away with its own, last lease.
      if (errorCode(error) !== "ENOENT" || tries > 100) throw error;
    }
  }
}

function addMountPoints(options: StoreOptions, request: ImageRequest, name: string): void {
  const directory = imageDirectory(options.storage, name);
  try {
    makeMountPoints(directory, request.mountPoints);
  } catch (error) {
    const why = ["EACCES", "EROFS", "EPERM"].includes(errorCode(error))
      ? `${directory} is not writable`
      : errorMessage(error);
    throw new SystemFailure(
      `cannot make mount points in image ${request.reference}: ${why}; ` +
        `ch-run 0.36 or later needs none ([general.charliecloud] application_path)`,
    );
  }
}

function leasePlace(own: string, name: string): string {
  return `${own}/in-use/${storageName(name)}`;
}

/** Whether a live job holds a lease; stale ones are dropped. */
function inUse(place: string, now: number): boolean {
  for (const claim of claimsOn(place)) {
    if (claim && isStale(claim, now)) release(place, claim.token);
  }
  return claimsOn(place).length > 0;
}

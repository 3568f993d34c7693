import { type Claim, claimsOn, release } from "../host/claim.ts";
import { ensureOwnDirectory } from "../host/directory.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorCode, errorMessage } from "../host/files.ts";
import { withLock } from "../host/lock.ts";
import type { Log } from "../host/log.ts";
import { accept, type Refusal, refuse, type Verdict } from "../plan/decision.ts";
import { CANCELLED } from "../plan/pull-refusal.ts";
import { deleteImage } from "./ch-image.ts";
import { inUse, isCopy, leasePlace, slotNames, writeLease } from "./image-leases.ts";
import { isFileSource, makeMountPoint } from "./mount-points.ts";
import { checkStorage, imageDirectory, prepareStorage } from "./storage.ts";
import { isWhole, pullWhole } from "./whole-image.ts";

/** What a job wants of an image. */
export interface ImageRequest {
  /** Full name for ch-image, e.g. `registry.example/group/image:tag`. */
  readonly reference: string;
  readonly registry: string;
  /** Who chose the image, and the key that says so. */
  readonly origin: { readonly fault: "user" | "admin"; readonly from: string };
  /** Tried in order until one gives the image. */
  readonly policies: readonly PolicyChoice[];
  readonly chImage: string | undefined;
  /** Environment of ch-image: login environment, storage, account. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether `env` holds no account: else nobody else's pull is as good as an own one. */
  readonly anonymous: boolean;
  readonly mountPoints: readonly MountPoint[];
  /** Who uses the image and until when. */
  readonly claim: Claim;
  /** When the job asked, milliseconds since 1970. */
  readonly asked: number;
}

interface PolicyChoice {
  readonly choice: "always" | "if-not-present" | "never";
  readonly from: string;
}

/** A place that the image must offer for a bind mount. */
export interface MountPoint {
  readonly source: string;
  readonly target: string;
  /** Whose wish it is. */
  readonly fault: "user" | "admin";
  readonly from: string;
  /** ch-run makes it itself, unless the source is a file. */
  readonly filesOnly: boolean;
}

/** An image that stays as it is until it is released. */
export interface AcquiredImage {
  /** How ch-run names it. */
  readonly name: string;
  readonly lease: string;
  /** It was there already. */
  readonly hit: boolean;
}

export interface ImageStore {
  acquire(request: ImageRequest): Promise<Verdict<AcquiredImage>>;
  /** Never fails a job: what it cannot remove is used or removed by a later one. */
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

/** What a cleanup, which waits for nobody, is told of a storage in use. */
const BUSY = "busy";

/**
 * Images in a Charliecloud storage, used by name. `ch-image pull` changes an image in place, under the feet of whoever
 * runs it; so every job holds a lease, and a pull goes to a name without leases: the image's own one when it is free,
 * else `_jacamar-N/…`, which is deleted again when its last job ends.
 */
export function openImageStore(options: StoreOptions): ImageStore {
  const store = { ...options, own: `${options.storage}.jacamar` };
  return {
    acquire: (request) => locked(store, () => acquire(store, request)),
    release: (image, token, tools) =>
      giveBack(store, image, token, tools).catch((error: unknown) => {
        if (error !== BUSY)
          options.log.warn(`cannot give image ${image.name} back: ${errorMessage(error)}`);
      }),
  };
}

interface Store extends StoreOptions {
  /** The driver's own directory beside the storage. */
  readonly own: string;
}

async function giveBack(
  store: Store,
  image: AcquiredImage,
  token: string,
  { chImage, env }: ReleaseTools,
): Promise<void> {
  if (!release(image.lease, token) || !isCopy(image.name) || chImage === undefined) return;
  const atOnce = { ...store, signal: AbortSignal.abort(BUSY) };
  await locked(atOnce, async () => {
    if (!inUse(image.lease, store.now())) await deleteImage(chImage, image.name, env);
  });
}

async function locked<T>(store: Store, work: () => Promise<T>): Promise<T> {
  const { storage, own, storageKey, uid, log, holder, signal } = store;
  checkStorage(storage, uid, storageKey);
  const purpose = "the image storage's lock and leases";
  ensureOwnDirectory({ path: own, mode: 0o700, uid, purpose, key: storageKey });
  const onWait = (who: string) => {
    if (!signal.aborted)
      log.log(`Waiting for the image storage ${storage}, in use by ${who || "another job"}`);
  };
  return await withLock(`${own}/lock`, { holder, onWait, signal }, async () => {
    // Under the lock: another job's ch-image may just be making the storage.
    prepareStorage(storage);
    return await work();
  });
}

async function acquire(store: Store, request: ImageRequest): Promise<Verdict<AcquiredImage>> {
  const refusals: Refusal[] = [];
  for (const policy of request.policies) {
    const before = refusals.at(-1);
    if (before) store.log.warn(`${before.message}; trying pull policy "${policy.choice}"`);
    const got = await attempt(store, request, policy);
    if (got.ok) return lease(store, request, got.value);
    if (got.refusal.from === CANCELLED) return got;
    refusals.push(got.refusal);
  }
  const [first] = refusals;
  if (first === undefined) throw new Error("no pull policy was given");
  // Why a pull failed says more than that a policy wants none.
  const pull = refusals.find(({ from }) =>
    request.policies.every((policy) => policy.from !== from),
  );
  return { ok: false, refusal: pull ?? first };
}

/** An image in the storage. */
interface Found {
  readonly name: string;
  /** When its pull began, if that was just now. */
  readonly pulled?: number;
}

async function attempt(
  store: Store,
  request: ImageRequest,
  policy: PolicyChoice,
): Promise<Verdict<Found>> {
  const { reference } = request;
  const present = isWhole(store, reference);
  if (policy.choice === "never" && !present) {
    const why = `pull policy "never" (${policy.from}), and ${store.storage} does not hold it whole`;
    return refuse(request.origin.fault, `cannot use image ${reference}: ${why}`, policy.from);
  }
  if (policy.choice !== "always" && present) {
    store.log.log(
      `Using image ${reference} from ${store.storage} (pull policy "${policy.choice}")`,
    );
    return accept({ name: reference });
  }
  const shared = sharedName(store, request);
  if (shared !== undefined) {
    store.log.log(`Using image ${reference}, just pulled by another job`);
    return accept({ name: shared });
  }
  const name = freeName(store, reference);
  const pulled = store.now();
  const refusal = await pullWhole(store, request, name);
  return refusal ? { ok: false, refusal } : accept({ name, pulled });
}

/**
 * A name under which the image was pulled after this job asked for it, by a job that needed no account either: as
 * fresh as an own pull, so that many jobs that start together pull twice at most.
 */
function sharedName(store: Store, request: ImageRequest): string | undefined {
  if (!request.anonymous) return undefined;
  return slotNames(request.reference).find((name) =>
    claimsOn(leasePlace(store.own, name)).some(
      (claim) =>
        claim?.notes["anonymous"] === "yes" &&
        Number(claim.notes["pulled"]) >= request.asked &&
        isWhole(store, name),
    ),
  );
}

/** The image's own name when no running job uses it, else that of the first free copy. */
function freeName(store: Store, reference: string): string {
  const names = slotNames(reference);
  const free = names.find((name) => !inUse(leasePlace(store.own, name), store.now()));
  if (free !== undefined) return free;
  throw new SystemFailure(`${names.length} copies of ${reference} are in use in ${store.storage}`);
}

function lease(store: Store, request: ImageRequest, found: Found): Verdict<AcquiredImage> {
  const { name, pulled = 0 } = found;
  const refusal = addMountPoints(imageDirectory(store.storage, name), request);
  if (refusal) return { ok: false, refusal };
  const place = leasePlace(store.own, name);
  const notes = { anonymous: request.anonymous ? "yes" : "no", pulled: String(pulled) };
  writeLease(place, { ...request.claim, notes });
  return accept({ name, lease: place, hit: found.pulled === undefined });
}

function addMountPoints(directory: string, request: ImageRequest): Refusal | undefined {
  for (const point of request.mountPoints) {
    const isFile = isFileSource(point.source);
    if (point.filesOnly && !isFile) continue;
    try {
      const problem = makeMountPoint(directory, { target: point.target, isFile });
      if (problem !== undefined) {
        const { fault, from, target } = point;
        const message = `cannot mount anything at ${target} in image ${request.reference}: ${problem} (${from})`;
        return { fault, message, from };
      }
    } catch (error) {
      if (point.filesOnly) continue;
      const why = ["EACCES", "EROFS", "EPERM"].includes(errorCode(error))
        ? `${directory} is not writable`
        : errorMessage(error);
      throw new SystemFailure(
        `cannot make mount points in image ${request.reference}: ${why}; ` +
          `ch-run 0.36 or later needs none ([general.charliecloud] application_path)`,
      );
    }
  }
  return undefined;
}

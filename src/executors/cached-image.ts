import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { type ImageCache, openCache } from "../cache/cache.ts";
import type { Removed } from "../cache/evict.ts";
import { PUBLIC } from "../cache/refs.ts";
import { capacityOf } from "../cache/space.ts";
import { isFileSource } from "../charliecloud/mount-points.ts";
import { pullEnvironment } from "../charliecloud/pull-environment.ts";
import { ensureOwnDirectory } from "../host/directory.ts";
import { writeAtomically } from "../host/files.ts";
import { findProgram } from "../host/find-program.ts";
import { type GotImage, getImage } from "../images/get-image.ts";
import type { ImageOrder } from "../images/order.ts";
import type { ImageTools } from "../images/tools.ts";
import { cacheLimits } from "../plan/cache-limits.ts";
import { accept, type Verdict } from "../plan/decision.ts";
import { createRegistryClient } from "../registry/client.ts";
import { appendNote } from "./attempt.ts";
import { type ContainerPlan, faultOf } from "./container-plan.ts";
import type { ContainerWork, ReadyImage } from "./container-work.ts";
import { type ImageFigures, together } from "./image-figures.ts";
import type { CacheSource, EntryKind } from "./image-source.ts";
import { accountOf, caBundle } from "./registry-account.ts";
import { adminEnvironment } from "./site.ts";

/** A lease on a cache entry that `cleanup` must give back. */
export interface CacheLeaseNote {
  readonly version: 2;
  readonly leases: readonly string[];
}

/** Gets the image from the cache, which fetches it if need be; what a batch job starts, too, where that is another entry. */
export async function cachedImage(
  work: ContainerWork,
  source: CacheSource,
  leaseFile: string,
): Promise<Verdict<ReadyImage>> {
  const cache = openJobCache(work, source);
  const tools = imageTools(work);
  makeSkeletons(work.container);
  const leases: string[] = [];
  const get = async (kind: EntryKind) => {
    const got = await getImage(orderOf(work, source, kind), cache, tools);
    if (got.ok) {
      const { digest, hit, size: bytes, times } = got.value;
      const { all: _all, ...phases } = times;
      const puller = source.puller.choice;
      appendNote(work.directory, { kind: "image", digest, puller, hit, bytes, ...phases });
    }
    if (got.ok && got.value.lease !== "") {
      leases.push(got.value.lease);
      const note: CacheLeaseNote = { version: 2, leases };
      writeAtomically(leaseFile, JSON.stringify(note));
    }
    return got;
  };
  const onHost = await get(source.entry.choice);
  if (!onHost.ok) return onHost;
  const image = onHost.value.path;
  const figures = figuresOf(work, onHost.value);
  if (!work.forBatch || work.container.role !== "step") return accept({ image, figures, cache });
  if (source.batchEntry === undefined) return accept({ image, batchImage: image, figures, cache });
  const inBatch = await get(source.batchEntry.choice);
  if (!inBatch.ok) return inBatch;
  return accept({
    image,
    batchImage: inBatch.value.path,
    figures: together(figures, figuresOf(work, inBatch.value)),
    cache,
  });
}

function figuresOf({ container }: ContainerWork, got: GotImage): ImageFigures {
  const { digest, hit, size, times } = got;
  return {
    reference: container.reference.pull,
    digest,
    hit,
    bytes: size,
    seconds: times.all,
    ...(times.pull !== undefined && { pullSeconds: times.pull }),
    ...(times.flatten !== undefined && { flattenSeconds: times.flatten }),
  };
}

/** Opens the cache that the plan chose, for one job. */
export function openJobCache(
  { state, directory, log, signal }: ContainerWork,
  source: CacheSource,
): ImageCache {
  const { choice: dir, from: key } = source.directory;
  const { cache } = state.settings.charliecloud;
  const { token, job, holder, expires, user } = state;
  if (!cache.shared) ownAbove(source.directory, user.uid);
  return openCache({
    dir,
    uid: user.uid,
    shared: cache.shared,
    limits: cacheLimits(cache, capacityOf(dir)),
    claim: { version: 1, token, job: job.id, holder, expires, notes: {} },
    holder: `job ${job.id} on ${hostname()}`,
    key,
    log,
    signal,
    now: Date.now,
    evicted: (removed) => noteEvictions(directory, removed),
  });
}

/** Beside Charliecloud's storage everybody may write: whoever owned the directory above the cache could replace that. */
function ownAbove({ choice: dir, from: key }: CacheSource["directory"], uid: number): void {
  if (key !== "CH_IMAGE_STORAGE") return;
  const path = dir.slice(0, dir.lastIndexOf("/"));
  ensureOwnDirectory({ path, mode: 0o700, uid, purpose: "the image cache", key });
}

function noteEvictions(directory: string, removed: readonly Removed[]): void {
  for (const what of ["entry", "layer"] as const) {
    const these = removed.filter(({ kind }) => kind === what);
    const bytes = these.reduce((total, { size }) => total + size, 0);
    if (these.length > 0)
      appendNote(directory, { kind: "evicted", what, count: these.length, bytes });
  }
}

/** What images are fetched with, for one job: its account, its login environment. */
export function imageTools(work: ContainerWork): ImageTools {
  const { state, facts, log, signal } = work;
  const account = accountOf(work);
  const ownBundle = caBundle(work);
  const bundle = ownBundle ?? facts.login["REQUESTS_CA_BUNDLE"] ?? facts.login["CURL_CA_BUNDLE"];
  const chImage = facts.applications.chImage?.path;
  const env = { PATH: facts.login["PATH"] ?? "", HOME: state.user.home };
  return {
    registry: createRegistryClient({
      ...(account && { account }),
      ...(bundle !== undefined && { caBundle: bundle }),
      proxies: facts.login,
      log,
      signal,
      // gitlab-runner tries prepare three times, each of which is at most as long as this.
      limits: { attempts: 4 },
      // The job itself has no more time than that.
      deadline: Date.now() + work.job.timeout * 1000,
    }),
    packer: {
      mksquashfs: facts.packing.mksquashfs,
      tar: findProgram("tar", "/bin:/usr/bin") ?? "tar",
      env,
    },
    ...(chImage !== undefined && {
      chImage: {
        path: chImage,
        env: (storage) =>
          pullEnvironment({
            chImage,
            login: facts.applications.chImageEnv,
            admin: adminEnvironment(state.settings),
            user: state.user,
            storage,
            account,
            caBundle: ownBundle,
          }),
      },
    }),
    log,
    // Asked only for an image that is fetched: it makes Bun load its streams.
    get terminal() {
      return process.stderr.isTTY === true;
    },
    signal,
  };
}

/** What one job wants of its image. */
export function orderOf(
  { container, job }: ContainerWork,
  source: CacheSource,
  kind: EntryKind,
): ImageOrder {
  const { choice, username } = container.credentials;
  const anonymous = choice === "none";
  return {
    reference: container.reference.canonical,
    origin: { fault: faultOf(container.image), from: container.image.from },
    policies: container.pullPolicies,
    asked: container.asked,
    target: container.target,
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    kind,
    mountPoints: container.mountPoints
      .map((point) => ({ ...point, isFile: isFileSource(point.source) }))
      .filter(({ filesOnly, isFile }) => isFile || !filesOnly)
      .map(({ target, fault, from, isFile }) => ({ target, fault, from, isFile })),
    // A password is nothing to keep or compare; an account may be kept from some jobs of a project (protected variables).
    grant: anonymous ? PUBLIC : `project ${job.project.id}, account ${username}`,
    anonymous,
    puller: source.puller.choice,
  };
}

/** The job's own directories that hold its mount points, where ch-run makes none in the image. */
function makeSkeletons({ anchors, below }: ContainerPlan): void {
  for (const { source } of anchors) mkdirSync(source, { recursive: true, mode: 0o755 });
  for (const { path, source } of below) {
    const isFile = isFileSource(source);
    const directory = isFile ? path.slice(0, path.lastIndexOf("/")) : path;
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (isFile) writeFileSync(path, "");
  }
}

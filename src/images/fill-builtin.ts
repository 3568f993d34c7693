import { mkdirSync } from "node:fs";
import type { ImageCache } from "../cache/cache.ts";
import type { Filling } from "../cache/fill.ts";
import { squashImage } from "../charliecloud/squash.ts";
import { askSquashfsTools } from "../charliecloud/squashfs-tools.ts";
import type { Addition } from "../flatten/additions.ts";
import { imageFiles } from "../flatten/image-files.ts";
import { indexLayer } from "../flatten/index-layer.ts";
import type { Flattened, LayerIndex } from "../flatten/layer-index.ts";
import { indexOf, noteOf } from "../flatten/layer-note.ts";
import { planTree, type TreePlan } from "../flatten/plan-tree.ts";
import { directorySink, squashSink } from "../flatten/sink.ts";
import { writeTree } from "../flatten/write-tree.ts";
import { dropProgramCode } from "../host/memory.ts";
import { accept, type Refusal, type Verdict } from "../plan/decision.ts";
import type { ImageManifest, LayerDescriptor, RegistryFailure } from "../registry/types.ts";
import { explainRegistry } from "./failures.ts";
import type { ImageOrder } from "./order.ts";
import { type Progress, startProgress } from "./progress.ts";
import type { FillTimes, ImageTools } from "./tools.ts";

/** Layers that are fetched at the same time. */
const PARALLEL_LAYERS = 4;
/** A layer grows to about three times its size, of which zstd leaves half; the layer itself is kept, too. */
const EXPECTED_GROWTH = 2.5;

interface Work {
  readonly order: ImageOrder;
  readonly digest: string;
  readonly tools: ImageTools;
  readonly cache: ImageCache;
  readonly filling: Filling;
  readonly noteTimes: (times: FillTimes) => void;
}

/**
 * Makes a cache entry without ch-image: fetches the layers that the cache does not have, plans the tree that they make
 * together, and writes it as one tar stream into what packs it.
 */
export async function fillBuiltin(work: Work): Promise<Refusal | undefined> {
  const { order, digest, tools, filling } = work;
  const start = performance.now();
  const answer = await tools.registry.image(order.target, digest, order.architecture);
  if (!answer.ok) return explainRegistry(answer.failure, answer.said, order);
  const manifest = answer.value;
  // From here on memory goes into layers: what it took to start is of no use any more.
  dropProgramCode();
  const total = manifest.layers.reduce((sum, { size }) => sum + size, 0);
  const digests = manifest.layers.map(({ digest: layer }) => layer);
  await filling.makeRoom(total * EXPECTED_GROWTH, digests);
  const progress = startProgress(order.reference, total, tools);
  let layers: Verdict<readonly FetchedLayer[]>;
  try {
    layers = await fetchLayers(work, manifest, progress);
  } finally {
    progress.stop();
  }
  if (!layers.ok) return layers.refusal;
  const pulled = performance.now();
  const plan = planImage(order, manifest, layers.value);
  if (!plan.ok) return plan.refusal;
  const files = layers.value.map(({ path }) => path);
  const written = await write(work, plan.value, files);
  if (!written.ok) return explainFlatten(written, work);
  const ended = performance.now();
  work.noteTimes({ pull: (pulled - start) / 1000, flatten: (ended - pulled) / 1000 });
  return undefined;
}

interface FetchedLayer {
  readonly path: string;
  readonly index: LayerIndex;
}

async function fetchLayers(
  work: Work,
  { layers }: ImageManifest,
  progress: Progress,
): Promise<Verdict<readonly FetchedLayer[]>> {
  const fetched: FetchedLayer[] = [];
  let refusal: Refusal | undefined;
  let next = 0;
  const worker = async () => {
    while (next < layers.length && refusal === undefined) {
      const at = next++;
      const layer = layers[at];
      if (layer === undefined) return;
      const got = await fetchLayer(work, layer, progress);
      if (got.ok) fetched[at] = got.value;
      else refusal ??= got.refusal;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_LAYERS }, worker));
  return refusal ? { ok: false, refusal } : accept(fetched);
}

async function fetchLayer(
  work: Work,
  layer: LayerDescriptor,
  progress: Progress,
): Promise<Verdict<FetchedLayer>> {
  const { order, tools, cache, filling } = work;
  const got = await filling.layer<{ failure: RegistryFailure; said: string }>({
    digest: layer.digest,
    size: layer.size,
    fetch: async (file) => {
      const answer = await tools.registry.blob(order.target, layer, file, progress.add);
      return answer.ok ? undefined : answer;
    },
  });
  if (!got.ok) {
    const { failure, said } = got.failure;
    if (failure === "no-space") throw filling.noSpace();
    return { ok: false, refusal: explainRegistry(failure, said, order) };
  }
  if (got.hit) progress.add(layer.size);
  const note = cache.layerNote(layer.digest);
  const known = note && indexOf(note, layer.diffId);
  if (known !== undefined) return accept({ path: got.path, index: known });
  const index = await indexLayer(got.path, { diffId: layer.diffId }, tools.signal);
  if (!index.ok) {
    if (index.failure === "corrupt") cache.dropLayer(layer.digest);
    return { ok: false, refusal: explainFlatten(index, work) };
  }
  cache.noteLayer(layer.digest, noteOf(index.value));
  return accept({ path: got.path, index: index.value });
}

/** The tree with all that ch-run wants of an image, and with the job's mount points; a refusal blames who wanted them. */
function planImage(
  order: ImageOrder,
  manifest: ImageManifest,
  layers: readonly FetchedLayer[],
): Verdict<TreePlan> {
  const indexes = layers.map(({ index }) => index);
  const own = imageFiles(manifest.config.raw);
  const points = order.mountPoints.map((point) => mountPoint(point));
  const whole = planTree(indexes, [...own, ...points]);
  if (whole.ok) return whole;
  const { from, fault } = order.origin;
  for (const [at, point] of order.mountPoints.entries()) {
    if (planTree(indexes, [...own, ...points.slice(0, at + 1)]).ok) continue;
    const refusal = { fault: point.fault, from: point.from };
    return {
      ok: false,
      refusal: { ...refusal, message: `${whole.refusal.message} (${point.from})` },
    };
  }
  return { ok: false, refusal: { fault, from, message: whole.refusal.message } };
}

function mountPoint(point: ImageOrder["mountPoints"][number]): Addition {
  return { type: "mount-point", path: point.target, isFile: point.isFile };
}

async function write(
  { order, tools, filling }: Work,
  plan: TreePlan,
  files: readonly string[],
): Promise<Flattened<void>> {
  const { packer, signal } = tools;
  const { mksquashfs, tar, env } = packer;
  if (order.kind === "directory") {
    return await writeTree(plan, files, directorySink(tar, made(filling.image), env), signal);
  }
  if (mksquashfs === undefined) throw new Error("no mksquashfs, but a SquashFS entry was planned");
  const rootMode = plan.directories[0]?.mode ?? 0o755;
  const { readsTar } = await askSquashfsTools(mksquashfs, { env, signal });
  if (readsTar) {
    return await writeTree(
      plan,
      files,
      squashSink(mksquashfs, filling.image, rootMode, env),
      signal,
    );
  }
  const directory = made(filling.temporary("tree"));
  const unpacked = await writeTree(plan, files, directorySink(tar, directory, env), signal);
  if (!unpacked.ok) return unpacked;
  const said = await squashImage({ image: directory, file: filling.image, env, signal });
  return said === undefined
    ? { ok: true, value: undefined }
    : { ok: false, failure: "other", said };
}

function made(directory: string): string {
  mkdirSync(directory);
  return directory;
}

function explainFlatten(
  failed: Extract<Flattened<unknown>, { readonly ok: false }>,
  { order, filling }: Work,
): Refusal {
  if (failed.failure === "no-space") throw filling.noSpace();
  return explainRegistry(failed.failure, failed.said, order);
}

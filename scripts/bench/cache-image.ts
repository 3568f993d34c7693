import { createHash } from "node:crypto";
import {
  cpSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { tinyRoot } from "../../test/fixtures/images.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import type { Registry } from "../../test/fixtures/registry.ts";
import { pusher } from "../../test/fixtures/registry-client.ts";

/** Files of this machine, which compress as those of images do; one place for each of four layers. */
const PLACES = ["/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/python3", "/usr/share"] as const;
const PLACE_BYTES = 50e6;
/** One file should not be most of a layer. */
const FILE_BYTES = 10e6;
const OCI = "application/vnd.oci.image";

/** An image in a registry. */
export interface BenchImage {
  readonly reference: string;
  /** Compressed bytes of its layers. */
  readonly layers: readonly number[];
  /** Bytes of its tars. */
  readonly size: number;
}

/** Pushes one image of about 200 MB as a single layer and as four. */
export async function pushBenchImages(
  registry: Registry,
  dir: string,
): Promise<{ readonly single: BenchImage; readonly four: BenchImage }> {
  const roots = PLACES.map((place, at) => {
    const root = `${dir}/root${at}`;
    if (at === 0) tinyRoot(root);
    copySome(place, root);
    return root;
  });
  try {
    return {
      single: await pushImage(registry, dir, "bench/single", [roots]),
      four: await pushImage(
        registry,
        dir,
        "bench/four",
        roots.map((root) => [root]),
      ),
    };
  } finally {
    for (const root of roots) rmSync(root, { recursive: true, force: true });
  }
}

/** Copies the first files of a directory, in the order of their names, until there are enough. */
function copySome(place: string, root: string): void {
  let left = PLACE_BYTES;
  const take = (directory: string): void => {
    for (const name of readdirSync(directory).sort()) {
      if (left <= 0) return;
      const path = `${directory}/${name}`;
      const stats = lstatSync(path);
      if (stats.isDirectory()) take(path);
      else if ((stats.isFile() && stats.size < FILE_BYTES) || stats.isSymbolicLink()) {
        const target = `${root}${path}`;
        if (lstatSync(target, { throwIfNoEntry: false })) continue;
        mkdirSync(dirname(target), { recursive: true });
        cpSync(path, target, { verbatimSymlinks: true, mode: 0 });
        left -= stats.size;
      }
    }
  };
  take(place);
  if (left > PLACE_BYTES / 2) throw new Error(`Cannot make an image of ${place}: it is too small`);
}

/** @param layers directories of each layer */
async function pushImage(
  registry: Registry,
  dir: string,
  name: string,
  layers: readonly (readonly string[])[],
): Promise<BenchImage> {
  const push = pusher(registry, name);
  const built = [];
  for (const [at, roots] of layers.entries()) {
    const tar = `${dir}/layer${at}.tar`;
    const parts = roots.flatMap((root) => ["-C", root, "."]);
    mustRun(["tar", "-c", "-f", tar, "--sort=name", "--owner=0", "--group=0", ...parts]);
    const diffId = await sha256(tar);
    const size = statSync(tar).size;
    mustRun(["gzip", "-n", "-6", tar]);
    const blob = await Bun.file(`${tar}.gz`).bytes();
    built.push({ diffId, size, layer: await push.blob(blob, `${OCI}.layer.v1.tar+gzip`) });
    rmSync(`${tar}.gz`);
  }
  const config = {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: { Env: ["PATH=/usr/bin:/bin", "BENCH=1"] },
    // ch-image wants one.
    history: built.map(() => ({ created_by: "bench" })),
    rootfs: { type: "layers", diff_ids: built.map(({ diffId }) => diffId) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: await push.blob(JSON.stringify(config), `${OCI}.config.v1+json`),
    layers: built.map(({ layer }) => layer),
  };
  await push.manifest(manifest, "latest");
  return {
    reference: `${registry.host}/${name}:latest`,
    layers: built.map(({ layer }) => layer.size),
    size: built.reduce((sum, { size }) => sum + size, 0),
  };
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

import { renameSync, rmSync, statfsSync } from "node:fs";
import { runCommand } from "../host/process.ts";
import { findMksquashfs } from "./packing.ts";
import { askSquashfsTools } from "./squashfs-tools.ts";

export interface SquashRequest {
  /** Directory of a whole image. */
  readonly image: string;
  /** The file to make; replaced in one step. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const KIB = 1024;
/** zstd at level 1 halves what images usually hold. */
const EXPECTED_RATIO = 0.6;

/**
 * Packs an image into one SquashFS file. `ch-convert` would do the same with gzip at its highest level, eighteen times
 * slower and hardly smaller. Gives a message when it fails.
 */
export async function squashImage(request: SquashRequest): Promise<string | undefined> {
  const { image, file, env, signal } = request;
  const mksquashfs = findMksquashfs(env["PATH"]);
  if (mksquashfs === undefined) {
    return "mksquashfs was not found; wanted: the squashfs-tools package, or [general.charliecloud] disable_convert with a shared image_storage_dir";
  }
  const tight = await checkSpace(request);
  if (tight !== undefined) return tight;
  const temporary = `${file}.new`;
  rmSync(temporary, { force: true });
  const { compressor, silence } = await askSquashfsTools(mksquashfs, { env, signal });
  const format = ["-b", "65536", "-comp", compressor, "-Xcompression-level", "1"];
  const options = ["-noappend", "-all-root", ...format, ...silence];
  const run = await runCommand([mksquashfs, image, temporary, ...options], {
    env,
    cwd: "/",
    signal,
  });
  if (run.outcome === "exited" && run.status === 0) {
    renameSync(temporary, file);
    return undefined;
  }
  rmSync(temporary, { force: true });
  const said = run.stderr.trim().split("\n").pop() ?? "";
  return `mksquashfs ${run.description}${said === "" ? "" : ` (${said})`}`;
}

async function checkSpace({
  image,
  file,
  env,
  signal,
}: SquashRequest): Promise<string | undefined> {
  const run = await runCommand(["/usr/bin/du", "-sk", image], { env, cwd: "/", signal });
  const needed = Number.parseInt(run.stdout, 10) * KIB * EXPECTED_RATIO;
  const { bavail, bsize } = statfsSync(file.slice(0, file.lastIndexOf("/")));
  const free = bavail * bsize;
  if (Number.isNaN(needed) || free >= needed) return undefined;
  const mib = (bytes: number) => `${Math.ceil(bytes / KIB / KIB)} MiB`;
  return `about ${mib(needed)} are needed for ${file}, ${mib(free)} are free; set [general] data_dir to a larger file system`;
}

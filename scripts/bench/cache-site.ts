import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { startRegistry } from "../../test/fixtures/registry.ts";
import { type BenchImage, pushBenchImages } from "./cache-image.ts";

/** What one `prepare` took; milliseconds. */
export interface Prepared {
  readonly whole: number;
  /** Until the closing line about its image. */
  readonly untilImage: number;
}

/** Most that was resident, MB of 10⁶ bytes. */
export interface PeakMemory {
  readonly driver: number;
  /** Of that, pages of the executable and its libraries, which all drivers of a host share. */
  readonly files: number;
  readonly mksquashfs: number;
}

/** A local registry with TLS, and the driver's and Charliecloud's own way to an image in it. */
export interface CacheSite {
  readonly images: { readonly single: BenchImage; readonly four: BenchImage };
  /** `ch-image pull` into an empty storage. */
  pull(image: BenchImage): number;
  /** `ch-convert` of what was pulled last, to SquashFS. */
  convert(image: BenchImage): number;
  /** Forgets all cached images. */
  empty(): void;
  /** `prepare` of as many jobs at the same time. */
  prepare(image: BenchImage, jobs?: number): Promise<readonly Prepared[]>;
  /** `prepare` of one job, with a look at the memory of its processes now and then. */
  memory(image: BenchImage): Promise<PeakMemory>;
  /** Connecting to the registry, with TLS, and asking it for a manifest's HEAD. */
  roundTrip(image: BenchImage): Promise<number>;
  close(): Promise<void>;
}

const PATH = "/usr/local/bin:/usr/bin:/bin";
const SAMPLE_MILLISECONDS = 10;

export async function startCacheSite(driver: string): Promise<CacheSite> {
  const dir = mkdtempSync("/var/tmp/jacamar-bench-cache-");
  const registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
  const storage = `${dir}/storage.ch`;
  const cache = `${dir}/images`;
  const env = registry.clientEnv(storage);
  const close = async () => {
    await registry.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const images = await pushBenchImages(registry, dir);
    const site = { driver, dir, configuration: configure(dir, cache, registry.caFile) };
    for (const path of [cache, `${dir}/home`]) mkdirSync(path);
    return {
      images,
      pull({ reference }) {
        rmSync(storage, { recursive: true, force: true });
        return timed(() => mustRun(["ch-image", "pull", reference], { env }));
      },
      convert({ reference }) {
        const file = `${dir}/converted.sqfs`;
        rmSync(file, { force: true });
        const command = ["ch-convert", "-i", "ch-image", "-o", "squash", reference, file];
        return timed(() => mustRun(command, { env }));
      },
      empty() {
        for (const name of readdirSync(cache)) rmSync(`${cache}/${name}`, { recursive: true });
      },
      prepare: (image, jobs = 1) => withAttempts(site, image, jobs, runAll),
      memory: (image) => withAttempts(site, image, 1, ([attempt]) => watchMemory(attempt)),
      roundTrip: (image) => roundTrip(image, registry.caFile),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function timed(action: () => unknown): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

function configure(dir: string, cache: string, caFile: string): string {
  const file = `${dir}/jacamar.toml`;
  const lines = [
    "[general]",
    'executor = "shell"',
    `data_dir = ${JSON.stringify(`${dir}/data`)}`,
    'run_mechanism = "charliecloud"',
    `user_bash_env = ["REQUESTS_CA_BUNDLE=${caFile}"]`,
    "[general.charliecloud]",
    `image_storage_dir = ${JSON.stringify(cache)}`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

interface Attempt {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Has `config` run for each job before, and `cleanup` after what is measured. */
async function withAttempts<T>(
  site: { readonly driver: string; readonly dir: string; readonly configuration: string },
  image: BenchImage,
  jobs: number,
  work: (attempts: readonly Attempt[]) => Promise<T>,
): Promise<T> {
  const { driver, dir, configuration } = site;
  const attempts = Array.from({ length: jobs }, (_, at): Attempt => {
    const cwd = mkdtempSync(`${dir}/attempt-`);
    const env = {
      PATH,
      HOME: `${dir}/home`,
      TMPDIR: cwd,
      JACAMAR_CI_STATE: `${cwd}/jacamar-state.json`,
      CUSTOM_ENV_CI_JOB_ID: String(at + 1),
      CUSTOM_ENV_CI_CONCURRENT_ID: String(at),
      CUSTOM_ENV_CI_PROJECT_ID: "7",
      CUSTOM_ENV_CI_PROJECT_NAME: "bench",
      CUSTOM_ENV_CI_JOB_IMAGE: image.reference,
    };
    return { command: [driver, "--no-auth"], env, cwd };
  });
  const hook = ({ command, env, cwd }: Attempt, ...words: string[]) =>
    mustRun([...command, ...words, "--configuration", configuration], { env, cwd });
  try {
    for (const one of attempts) hook(one, "config");
    return await work(attempts);
  } finally {
    for (const one of attempts) {
      hook(one, "cleanup");
      rmSync(one.cwd, { recursive: true, force: true });
    }
  }
}

async function runAll(attempts: readonly Attempt[]): Promise<readonly Prepared[]> {
  const start = performance.now();
  return await Promise.all(
    attempts.map(async (attempt) => {
      const child = spawnPrepare(attempt);
      let text = "";
      let untilImage = Number.NaN;
      for await (const chunk of child.stdout) {
        text += new TextDecoder().decode(chunk);
        if (Number.isNaN(untilImage) && /^Image \S+: sha256:/m.test(text))
          untilImage = performance.now() - start;
      }
      if ((await child.exited) !== 0) throw new Error(`prepare failed:\n${text}`);
      return { whole: performance.now() - start, untilImage };
    }),
  );
}

function spawnPrepare({ command, env, cwd }: Attempt) {
  const options = { env, cwd, stdin: "ignore", stdout: "pipe", stderr: "inherit" } as const;
  return Bun.spawn([...command, "prepare"], options);
}

async function watchMemory(attempt: Attempt | undefined): Promise<PeakMemory> {
  if (attempt === undefined) throw new Error("there is no job");
  const child = spawnPrepare(attempt);
  let driver = 0;
  let files = 0;
  let mksquashfs = 0;
  const timer = setInterval(() => {
    driver = Math.max(driver, statusOf(child.pid, "VmHWM"));
    files = Math.max(files, statusOf(child.pid, "RssFile"));
    for (const pid of children(child.pid))
      if (read(`/proc/${pid}/comm`).trim() === "mksquashfs")
        mksquashfs = Math.max(mksquashfs, statusOf(pid, "VmHWM"));
  }, SAMPLE_MILLISECONDS);
  const output = await new Response(child.stdout).text();
  const status = await child.exited;
  clearInterval(timer);
  if (status !== 0) throw new Error(`prepare failed:\n${output}`);
  return { driver, files, mksquashfs };
}

/** A figure of a process, MB: `VmHWM`, most that was resident so far, or `RssFile`; 0 when it has ended. */
function statusOf(pid: number, field: string): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(read(`/proc/${pid}/status`));
  return Number(line?.[1] ?? 0) * (1024 / 1e6);
}

/** The kernel tells the children of each thread. */
function children(pid: number): number[] {
  try {
    const lists = readdirSync(`/proc/${pid}/task`).map((task) =>
      read(`/proc/${pid}/task/${task}/children`),
    );
    return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function roundTrip({ reference }: BenchImage, caFile: string): Promise<number> {
  const [, host = "", name = ""] = /^([^/]+)\/(.+):latest$/.exec(reference) ?? [];
  const ca = readFileSync(caFile, "utf8");
  const headers = { accept: "application/vnd.oci.image.manifest.v1+json" };
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const url = `https://${host}/v2/${name}/manifests/latest`;
    const asked = request(url, { method: "HEAD", ca, headers, agent: false }, (response) => {
      response.resume();
      const took = performance.now() - start;
      if (response.statusCode === 200) resolve(took);
      else reject(new Error(`HEAD ${url}: ${response.statusCode}`));
    });
    asked.on("error", reject).end();
  });
}

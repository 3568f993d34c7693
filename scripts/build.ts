/**
 * Builds the program for each architecture into one file, dist/jacamar-linux-<arch>, with its .sha256 beside it.
 * The same source gives the same bytes, wherever and whenever it is built.
 *
 * Usage: bun scripts/build.ts [--host-only] [--entry FILE] [--outdir DIR]
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { baseExecutable } from "./base-executable.ts";
import { harden } from "./harden.ts";
import type { Architecture } from "./harden-table.ts";

const ROOT = resolve(import.meta.dir, "..");

/** What one build wrote. */
export interface Built {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface BuildOptions {
  readonly architectures: readonly Architecture[];
  /** Relative to the repository's root. By default src/main.ts, with all that `run` loads in one piece. */
  readonly entry?: string;
  /** Relative to the repository's root. @default {"dist"} */
  readonly outdir?: string;
}

/** The architectures to build: all, or only the one that runs here. */
export function architectures(hostOnly: boolean): readonly Architecture[] {
  if (!hostOnly) return ["x64", "arm64"];
  if (process.arch === "x64" || process.arch === "arm64") return [process.arch];
  throw new Error(
    `Cannot build for this machine: x64 and arm64 are known, this is ${process.arch}`,
  );
}

/** Compiles the program once for each architecture. */
export function build(options: BuildOptions): Built[] {
  const outdir = resolve(ROOT, options.outdir ?? "dist");
  mkdirSync(outdir, { recursive: true });
  const entry = options.entry ?? hotEntry();
  const defines = buildInfo();
  return options.architectures.map((architecture) => compile(architecture, entry, outdir, defines));
}

/** See hot-entry.ts. The place is the same for every build, since its name gets into the program's bytes. */
function hotEntry(): string {
  const entry = "dist/.hot/main.js";
  const bun = Bun.spawnSync([process.execPath, "scripts/hot-entry.ts", entry], {
    cwd: ROOT,
    stdin: "ignore",
  });
  if (bun.exitCode !== 0)
    throw new Error(`Cannot bundle what run loads:\n${bun.stderr.toString()}`);
  return entry;
}

function compile(
  architecture: Architecture,
  entry: string,
  outdir: string,
  defines: readonly string[],
): Built {
  const name = `jacamar-linux-${architecture}`;
  const scratch = mkdtempSync(join(outdir, ".build-"));
  try {
    const base = join(scratch, "bun");
    writeFileSync(base, harden(baseExecutable(ROOT, architecture), architecture));
    chmodSync(base, 0o755);
    // The name is part of the bytes, so the scratch copy has the final one.
    const made = join(scratch, name);
    const bun = Bun.spawnSync(
      [
        process.execPath,
        "build",
        "--compile",
        "--minify",
        "--bytecode",
        "--format=esm",
        "--splitting",
        "--sourcemap",
        "--compile-jit-policy=100",
        "--no-compile-autoload-dotenv",
        "--no-compile-autoload-bunfig",
        "--no-compile-autoload-tsconfig",
        "--no-compile-autoload-package-json",
        "--reject-unresolved",
        `--target=bun-linux-${architecture}`,
        `--compile-executable-path=${base}`,
        ...defines,
        entry,
        `--outfile=${made}`,
      ],
      { cwd: ROOT, stdin: "ignore" },
    );
    if (bun.exitCode !== 0)
      throw new Error(`Cannot compile ${entry} for ${architecture}:\n${bun.stderr.toString()}`);

    const bytes = readFileSync(made);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const file = join(outdir, name);
    writeFileSync(join(scratch, "sha256"), `${sha256}  ${name}\n`);
    renameSync(made, file);
    renameSync(join(scratch, "sha256"), `${file}.sha256`);
    return { file, bytes: bytes.length, sha256 };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The `--define` options for `src/build-info.d.ts`. */
function buildInfo(): string[] {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const commit = git("rev-parse", "--short=12", "HEAD");
  const dirty = commit !== undefined && git("status", "--porcelain") !== "";
  const time = git("log", "-1", "--format=%cI");
  const values = {
    JACAMAR_VERSION: String(version),
    JACAMAR_COMMIT: commit === undefined ? "unknown" : `${commit}${dirty ? "%" : ""}`,
    JACAMAR_BUILT: time ? new Date(time).toISOString().replace(".000Z", "Z") : "unknown",
  };
  return Object.entries(values).map(([name, value]) => `--define=${name}=${JSON.stringify(value)}`);
}

function git(...command: string[]): string | undefined {
  try {
    const result = Bun.spawnSync(["git", ...command], { cwd: ROOT, stdin: "ignore" });
    return result.exitCode === 0 ? result.stdout.toString().trim() : undefined;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      "host-only": { type: "boolean", default: false },
      entry: { type: "string" },
      outdir: { type: "string" },
    },
  });
  const { entry, outdir } = values;
  const built = build({
    architectures: architectures(values["host-only"]),
    ...(entry === undefined ? {} : { entry: resolve(entry) }),
    ...(outdir === undefined ? {} : { outdir: resolve(outdir) }),
  });
  for (const { file, bytes, sha256 } of built)
    console.log(`${file}  ${(bytes / 1e6).toFixed(1)} MB  sha256 ${sha256}`);
}

/**
 * Bun's own executable for an architecture, to append the program to: from npm's package of the version in
 * package-lock.json, checked against the lock file's hash each time it is used.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "./harden-table.ts";

/** The npm package of each architecture that has it. */
export const BUN_PACKAGES: Readonly<Record<Architecture, string>> = {
  x64: "@oven/bun-linux-x64",
  arm64: "@oven/bun-linux-aarch64",
};

interface LockedPackage {
  readonly version: string;
  readonly integrity: string;
}

/**
 * Returns the executable's bytes. Downloads the package with npm the first time.
 *
 * @throws {Error} If the lock file lacks the package, npm fails, or the package is not the locked one.
 */
export function baseExecutable(root: string, architecture: Architecture): Buffer {
  const name = BUN_PACKAGES[architecture];
  const locked = lockedPackage(root, name);
  const cache = join(root, "node_modules/.cache/jacamar");
  const file = join(cache, `${name.replaceAll(/[@/]/g, "_")}-${locked.version}.tgz`);
  if (!existsSync(file)) download(cache, file, `${name}@${locked.version}`);

  const hash = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (hash !== locked.integrity) {
    rmSync(file);
    throw new Error(
      `Cannot use ${name}@${locked.version}: npm gave ${hash}, package-lock.json wants ${locked.integrity}`,
    );
  }
  const tar = Bun.spawnSync(["tar", "-xzOf", file, "package/bin/bun"], { maxBuffer: 2 ** 30 });
  if (tar.exitCode !== 0) throw new Error(`Cannot unpack ${file}: ${tar.stderr.toString().trim()}`);
  return tar.stdout;
}

function lockedPackage(root: string, name: string): LockedPackage {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const entry: Partial<LockedPackage> | undefined = lock.packages[`node_modules/${name}`];
  if (!entry?.version || !entry.integrity?.startsWith("sha512-"))
    throw new Error(`Cannot build: package-lock.json has no version and sha512 of ${name}`);
  return { version: entry.version, integrity: entry.integrity };
}

function download(cache: string, file: string, spec: string): void {
  mkdirSync(cache, { recursive: true });
  // Beside the target, so that the last step is a rename and builds may run at the same time.
  const scratch = mkdtempSync(join(cache, "pack-"));
  try {
    const command = [
      "npm",
      "pack",
      spec,
      "--json",
      "--pack-destination",
      scratch,
      "--prefer-offline",
    ];
    const npm = Bun.spawnSync(command, { cwd: scratch, stdin: "ignore" });
    if (npm.exitCode !== 0)
      throw new Error(`Cannot download ${spec} with npm: ${npm.stderr.toString().trim()}`);
    const [packed] = [...new Bun.Glob("*.tgz").scanSync(scratch)];
    if (packed === undefined) throw new Error(`Cannot download ${spec}: npm pack left no file`);
    renameSync(join(scratch, packed), file);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

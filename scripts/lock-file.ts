/** What can be wrong with package-lock.json beside package.json and node_modules. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface LockedPackage extends Manifest {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
}

/**
 * Returns one line for each thing that is wrong. Packages of a folder without node_modules, which are installed on
 * demand, are not missed.
 */
export function checkLockFile(root: string): string[] {
  const manifest: Manifest = readJson(join(root, "package.json"));
  const { packages }: { packages: Record<string, LockedPackage> } = readJson(
    join(root, "package-lock.json"),
  );
  const problems: string[] = [];
  const isInstalled = existsSync(join(root, "node_modules"));
  for (const group of ["dependencies", "devDependencies"] as const) {
    for (const [name, version] of Object.entries(manifest[group] ?? {}))
      if (!/^\d+\.\d+\.\d+$/.test(version))
        problems.push(`package.json: ${name} is ${version}; wanted: one version, such as 1.2.3`);
    if (!Bun.deepEquals(manifest[group] ?? {}, packages[""]?.[group] ?? {}))
      problems.push(`package.json and package-lock.json differ in ${group}`);
  }

  for (const [path, locked] of Object.entries(packages)) {
    if (path === "") continue;
    if (/^https?:/.test(locked.resolved ?? ""))
      problems.push(`${path}: the lock file names the host it came from; remove "resolved"`);
    if (!locked.integrity) problems.push(`${path}: the lock file has no hash`);
    const installed = join(root, path, "package.json");
    if (existsSync(installed)) {
      const { version } = readJson(installed);
      if (version !== locked.version)
        problems.push(`${path}: ${version} is installed, ${locked.version} is locked`);
    } else if (isInstalled && !locked.optional) problems.push(`${path}: not installed`);
  }
  return problems;
}

function readJson(file: string) {
  return JSON.parse(readFileSync(file, "utf8"));
}

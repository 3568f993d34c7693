import { chmodSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { contentOf, type PackageFile } from "./files.ts";

/** Writes the files below a directory, with modes and times that depend on nothing here. */
export function stage(directory: string, files: readonly PackageFile[], time: number): void {
  const directories = new Set<string>([directory]);
  for (const file of files) {
    const path = join(directory, file.path);
    for (let parent = dirname(path); parent !== directory; parent = dirname(parent))
      directories.add(parent);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contentOf(file));
    chmodSync(path, file.mode);
    utimesSync(path, time, time);
  }
  for (const path of [...directories].sort().reverse()) {
    chmodSync(path, 0o755);
    utimesSync(path, time, time);
  }
}

/** Runs a packager; the message of a failure has what it said. */
export function runTool(argv: readonly string[], env: Readonly<Record<string, string>>): string {
  const [program = ""] = argv;
  if (Bun.which(program) === null)
    throw new Error(
      `Cannot make packages, there is no ${program}: run npm run package, which installs it`,
    );
  const result = Bun.spawnSync([...argv], {
    env: { ...process.env, LC_ALL: "C", ...env },
    stdin: "ignore",
  });
  const said = result.stdout.toString() + result.stderr.toString();
  if (result.exitCode !== 0)
    throw new Error(`Cannot make packages, ${program} ended with ${result.exitCode}:\n${said}`);
  return said;
}

import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { ensureOwnDirectory } from "../host/directory.ts";
import { exists, readIfExists } from "../host/files.ts";
import { removeTree } from "../host/remove-tree.ts";
import type { Directories } from "../plan/directories.ts";

/** File in a scripts directory that tells whose it is. */
const JOB_FILE = "job-id";
const OWN_MODE = 0o700;

/** Makes the directories of one job; scripts that an earlier job was to leave behind are moved aside. */
export function makeJobDirectories(
  directories: Directories,
  jobId: string,
  general: { readonly retain_logs: boolean; readonly group_permissions: boolean },
): void {
  const { builds, cache, scripts } = directories;
  setAside(scripts, general.retain_logs);
  const mode = general.group_permissions ? 0o750 : OWN_MODE;
  const uid = process.getuid?.() ?? 0;
  for (const [path, purpose] of [
    [builds, "the job's builds"],
    [cache, "the project's cache"],
    [scripts, "the job's scripts"],
  ] as const) {
    ensureOwnDirectory({ path, mode, uid, purpose, key: "[general] data_dir" });
  }
  mkdirSync(`${scripts}/home`, { recursive: true, mode: OWN_MODE });
  writeFileSync(`${scripts}/${JOB_FILE}`, `${jobId}\n`);
}

function setAside(scripts: string, retain: boolean): void {
  if (!exists(scripts)) return;
  const owner = readIfExists(`${scripts}/${JOB_FILE}`)?.trim();
  if (!retain || readdirSync(scripts).length === 0) {
    removeTree(scripts);
    return;
  }
  const parent = scripts.slice(0, scripts.lastIndexOf("/"));
  const name = /^\d+$/.test(owner ?? "") ? `job-${owner}` : "job-unknown";
  for (let n = 0; ; n++) {
    const target = `${parent}/${name}${n === 0 ? "" : `.${n}`}`;
    if (exists(target)) continue;
    renameSync(scripts, target);
    return;
  }
}

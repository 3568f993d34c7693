import { existsSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { SystemFailure } from "../../host/failure.ts";
import { removeTree } from "../../host/remove-tree.ts";
import type { User } from "../../host/user.ts";
import { planDirectories } from "../../plan/directories.ts";
import { formatProblem } from "../../settings/problem.ts";
import type { Settings } from "../../settings/settings.ts";
import { hasUsualFile, USUAL_FILE } from "../../settings/usual-file.ts";

/** The configuration that a tried job runs with. */
export interface TrySite {
  readonly file: string;
  readonly settings: Settings;
  /** For the user: which one, and why. */
  readonly description: string;
  readonly warnings: readonly string[];
}

/**
 * The configuration that was named, else the usual one, else a built-in one with all files in `directory`.
 *
 * @throws SystemFailure with all problems
 */
export async function chooseSite(named: string | undefined, directory: string): Promise<TrySite> {
  const isUsual = named === undefined && hasUsualFile();
  const file = named ?? (isUsual ? USUAL_FILE : `${directory}/jacamar.toml`);
  if (named === undefined && !isUsual) writeFileSync(file, builtIn(directory), { mode: 0o600 });
  const { readSettings } = await import("../../settings/read.ts");
  const read = await readSettings(file);
  if (!read.ok) {
    const problems = read.problems.map(formatProblem).join("\n");
    throw new SystemFailure(`${problems}\nno job runs with this configuration`);
  }
  const description =
    named !== undefined || isUsual
      ? file
      : `built-in (no --configuration, no ${USUAL_FILE}): executor shell, images with Charliecloud, all files in ${directory}`;
  const { settings, warnings } = read;
  return { file, settings, description, warnings: warnings.map(formatProblem) };
}

function builtIn(directory: string): string {
  return [
    "[general]",
    'executor = "shell"',
    `data_dir = ${JSON.stringify(`${directory}/data`)}`,
    'run_mechanism = "charliecloud"',
    "[general.charliecloud]",
    'user_volume_variable = "CH_VOLUMES"',
    "",
  ].join("\n");
}

/** What the job's project may leave in the site's directories. */
export interface Leftovers {
  /** Removes it, and the directories above it that were not there before and are empty. */
  remove(): void;
  /** Set when the site keeps scripts of finished jobs. */
  readonly kept: string | undefined;
}

/** Looks at the site's directories before the job; the project is one that no other job has. */
export function watchLeftovers(
  settings: Settings,
  user: User,
  project: { readonly id: number; readonly name: string },
  variables: Readonly<Record<string, string>>,
): Leftovers {
  const job = { project: { name: project.name, id: String(project.id) }, variables };
  const plan = planDirectories({ settings, user, job, slot: 0 });
  // The config hook refuses the same and says so.
  if (!plan.ok) return { remove: () => {}, kept: undefined };
  const { dataDir, buildsRoot, projectKey, topDirectories } = plan.value;
  const fresh = [
    ...topDirectories.map(({ path }) => path),
    `${dataDir}/claims`,
    `${dataDir}/batch`,
    `${dataDir}/reproducers`,
  ].filter((path) => !existsSync(path));
  const { retain_logs: keepsScripts } = settings.general;
  const roots = [buildsRoot, `${dataDir}/cache`, `${dataDir}/claims`, `${dataDir}/reproducers`];
  if (!keepsScripts) roots.push(`${dataDir}/scripts`);
  return {
    kept: keepsScripts ? `${dataDir}/scripts/${projectKey}` : undefined,
    remove() {
      for (const root of roots) removeTree(`${root}/${projectKey}`);
      for (const path of fresh.sort().reverse()) removeIfEmpty(path);
    },
  };
}

function removeIfEmpty(path: string): void {
  try {
    if (readdirSync(path).length === 0) rmdirSync(path);
  } catch {
    // Another job uses it, or it never came to be.
  }
}

/** What both formats say of the package. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "../harden-table.ts";
import type { PackageFile } from "./files.ts";

export interface PackageInput {
  readonly architecture: Architecture;
  /** As in package.json. */
  readonly version: string;
  readonly files: readonly PackageFile[];
  /** Seconds since 1970: the time of every file, and of the build. */
  readonly time: number;
  /** `none` is for tests, which need no small file. */
  readonly compression: "xz" | "none";
  /** An empty directory for the work. */
  readonly scratch: string;
  readonly outdir: string;
}

export const SUMMARY = "GitLab CI custom-executor driver for supercomputers";
export const MAINTAINER = "the jacamar authors <jacamar@localhost>";
export const DESCRIPTION = [
  "A driver for the custom executor of GitLab Runner, for login and compute nodes of supercomputers.",
  "Jobs run in a clean login shell or in an unprivileged Charliecloud container, on the host of the runner or as batch jobs.",
];

/** Programs that jobs with an image use; suggested only, since many sites have them from elsewhere. */
export const SUGGESTED: Readonly<Record<"deb" | "rpm", readonly string[]>> = {
  deb: [
    "charliecloud-runtime (>= 0.31)",
    "charliecloud-builders",
    "squashfs-tools",
    "gitlab-runner",
  ],
  rpm: ["charliecloud >= 0.31", "squashfs-tools", "gitlab-runner"],
};

/** The oldest glibc that has what Bun's executable asks for. */
export const GLIBC = "2.17";

/** The release number behind the version: a package of the same source made differently gets another. */
export const RELEASE = "1";

/** The version as packagers sort it: `0.2.0-rc.1` is before `0.2.0`. */
export function sortedVersion(version: string): string {
  return version.replace("-", "~").replaceAll("-", ".");
}

/** The project's version. */
export function versionOf(root: string): string {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}

/**
 * The time of everything in the packages: SOURCE_DATE_EPOCH, else that of the last commit, else 0.
 *
 * @throws {Error} If SOURCE_DATE_EPOCH is no number of seconds.
 */
export function sourceTime(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
): number {
  const set = env["SOURCE_DATE_EPOCH"];
  if (set !== undefined && !/^\d{1,10}$/.test(set))
    throw new Error(
      `Cannot use SOURCE_DATE_EPOCH ${JSON.stringify(set)}: wanted seconds since 1970`,
    );
  if (set !== undefined) return Number(set);
  const git = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: root, stdin: "ignore" });
  return git.exitCode === 0 ? Number(git.stdout.toString()) : 0;
}

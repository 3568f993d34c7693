import { join, normalize } from "node:path";
import type { ConfigOutput } from "./config-output.ts";
import type { ResolvedJob } from "./job-spec.ts";
import { atLeast } from "./version.ts";

/** Where a job works; every value is empty until an attempt has got past `config_exec`. */
export interface Directories {
  readonly buildsDir: string;
  readonly cacheDir: string;
  /** `CI_PROJECT_DIR`. */
  readonly projectDir: string;
  /** The project's directory below the cache directory. */
  readonly projectCacheDir: string;
}

/** The directories during the first `config_exec` of a job. */
export const noDirectories: Directories = {
  buildsDir: "",
  cacheDir: "",
  projectDir: "",
  projectCacheDir: "",
};

/** `RUNNER_TEMP_PROJECT_DIR`: file variables and `GITLAB_ENV` live here. */
export function temporaryProjectDir(directories: Directories): string {
  return `${directories.projectDir}.tmp`;
}

/** What the place of the directories depends on, apart from the job itself. */
export interface DirectoryInputs {
  /** Directories of the runner's configuration, which `config_exec` may replace. */
  readonly configured: {
    readonly buildsDir: string | undefined;
    readonly cacheDir: string | undefined;
  };
  readonly config: ConfigOutput;
  readonly shortToken: string;
  readonly concurrentProjectId: number;
  /** Value of `GIT_STRATEGY`. */
  readonly strategy: string;
  /** Value of `GIT_CLONE_PATH`, and whether the runner's configuration permits it. */
  readonly clonePath: string | undefined;
  readonly customBuildDir: boolean;
  readonly version: string;
}

/**
 * Computes the directories of a job.
 *
 * @returns The directories, or the message of a configuration error, which ends the job at once.
 */
export function jobDirectories(
  job: ResolvedJob,
  inputs: DirectoryInputs,
): Directories | { readonly error: string } {
  const buildsDir = inputs.config.buildsDir ?? inputs.configured.buildsDir ?? "";
  const cacheDir = inputs.config.cacheDir ?? inputs.configured.cacheDir ?? "";
  if (buildsDir === "") {
    return { error: "the builds_dir is not configured" };
  }
  if (cacheDir === "") {
    return { error: "the cache_dir is not configured" };
  }
  const path = projectPath(job, inputs);
  const shared = [inputs.shortToken, String(inputs.concurrentProjectId)];
  const parts = inputs.config.buildsDirIsShared === true ? [...shared, path] : [path];
  const standard = join(buildsDir, ...parts);
  const projectDir = inputs.clonePath ? normalize(inputs.clonePath) : standard;
  if (inputs.clonePath && !inputs.customBuildDir) {
    return { error: "setting GIT_CLONE_PATH is not allowed, enable `custom_build_dir` feature" };
  }
  if (!`${projectDir}/`.startsWith(`${buildsDir}/`)) {
    return { error: `the GIT_CLONE_PATH="${projectDir}" has to be within "${buildsDir}"` };
  }
  return { buildsDir, cacheDir, projectDir, projectCacheDir: join(cacheDir, path) };
}

/**
 * `CI_RUNNER_SHORT_TOKEN`. Since 18.2 the token's type prefix is dropped and nine letters are
 * kept; before it was the first eight letters of the whole token.
 */
export function shortToken(token: string, version: string): string {
  if (!atLeast(version, "18.2")) {
    return token.slice(0, 8);
  }
  return token.replace(/^glrt-(t\d+_)?/, "").slice(0, 9);
}

/** The path part of the repository URL; a URL without a host gives `project-<id>`. */
function projectPath(job: ResolvedJob, inputs: DirectoryInputs): string {
  const url = /^[a-z]+:\/\/([^/]+)\/(.+)$/.exec(job.repoUrl);
  const path = url?.[2]?.replace(/\.git$/, "") ?? `project-${job.project.id}`;
  const separate = inputs.strategy === "empty" && atLeast(inputs.version, "17.3");
  return separate ? `${path}-empty` : path;
}

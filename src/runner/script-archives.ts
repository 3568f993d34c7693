import { join, relative } from "node:path";
import { temporaryProjectDir } from "./directories.ts";
import { jobToken } from "./job-spec.ts";
import { command, handOverLines, type ScriptContext, say, when } from "./script-lines.ts";
import { expander } from "./variables.ts";
import { atLeast } from "./version.ts";

function isInstalled(context: ScriptContext): string {
  return `${command(context.gitlabRunner, "--version")} > /dev/null 2>&1`;
}

/** Body of `restore_cache`: a cache that cannot be had is only worth a remark. */
export function restoreCacheLines(context: ScriptContext): string[] {
  const extract = command(
    ...[context.gitlabRunner, "cache-extractor", "--file", cacheFile(context)],
    ...["--timeout", "10", "--url", cacheUrl(context)],
  );
  return [
    ...when(
      isInstalled(context),
      [
        say(`Checking cache for ${cacheKey(context)}...`),
        ...when(extract, [say("Successfully extracted cache")], [say("Failed to extract cache")]),
      ],
      [missing("Extracting cache")],
    ),
    ...handOverLines(context, context.directories.projectDir),
  ];
}

/** Body of `archive_cache` and `archive_cache_on_failure`. */
export function archiveCacheLines(context: ScriptContext): string[] {
  const { cache } = context.job;
  const envFile = `${temporaryProjectDir(context.directories)}/gitlab_runner_cache_env`;
  const hasEnvFile = atLeast(context.version, "17.10");
  const alternate = atLeast(context.version, "18.11")
    ? ["--alternate-file", cacheFile(context, "-alternate")]
    : [];
  const archive = command(
    ...[context.gitlabRunner, "cache-archiver", "--file", cacheFile(context), ...alternate],
    ...["--timeout", "10", ...(cache?.paths ?? []).flatMap((path) => ["--path", path])],
    ...(cache?.untracked ? ["--untracked"] : []),
    ...["--url", cacheUrl(context)],
    ...(hasEnvFile ? ["--env-file", envFile] : []),
  );
  return when(
    isInstalled(context),
    [
      say(`Creating cache ${cacheKey(context)}...`),
      ...(hasEnvFile ? [`: > ${command(envFile)}`] : []),
      ...when(archive, [say("Created cache")], [say("Failed to create cache")]),
      ...(hasEnvFile ? [command("rm", "-f", envFile)] : []),
    ],
    [missing("Creating cache")],
  );
}

/** Body of `download_artifacts`: unlike a missing cache, a missing artifact fails the stage. */
export function downloadLines(context: ScriptContext): string[] {
  const downloads = (context.job.dependencies ?? []).flatMap((id) => [
    say(`Downloading artifacts for job ${id} (${id})...`),
    command(
      ...[context.gitlabRunner, "artifacts-downloader", "--url", storeUrl(context)],
      ...["--token", jobToken(id), "--id", String(id)],
    ),
  ]);
  return [
    ...when(isInstalled(context), downloads, [missing("Downloading artifacts")]),
    ...handOverLines(context, context.directories.projectDir),
  ];
}

/** Body of `upload_artifacts_on_success` and `upload_artifacts_on_failure`. */
export function uploadLines(context: ScriptContext): string[] {
  const { artifacts, id, token } = context.job;
  if (artifacts === undefined) {
    return [];
  }
  const timeouts = ["--timeout", "1h0m0s", "--response-header-timeout", "10m0s"];
  const expand = expander(context.variables, temporaryProjectDir(context.directories));
  const upload = command(
    ...[context.gitlabRunner, "artifacts-uploader", "--url", storeUrl(context)],
    ...["--token", token, "--id", String(id)],
    ...(atLeast(context.version, "18.10") ? timeouts : []),
    ...artifacts.paths.flatMap((path) => ["--path", expand(path)]),
    ...(artifacts.exclude ?? []).flatMap((path) => ["--exclude", expand(path)]),
    ...(artifacts.untracked ? ["--untracked"] : []),
    ...(artifacts.name === undefined ? [] : ["--name", artifacts.name]),
    ...(artifacts.expireIn === undefined ? [] : ["--expire-in", artifacts.expireIn]),
    ...["--artifact-format", "zip", "--artifact-type", "archive"],
  );
  return when(
    isInstalled(context),
    [say("Uploading artifacts..."), upload],
    [missing("Uploading artifacts")],
  );
}

/** The real runner passes the server's URL here; the stand-in finds its store by it. */
function storeUrl(context: ScriptContext): string {
  return `file://${context.store}`;
}

function cacheKey(context: ScriptContext): string {
  const directory = temporaryProjectDir(context.directories);
  return expander(context.variables, directory)(context.job.cache?.key ?? "default");
}

/** The runner names cache archives relative to the project directory. */
function cacheFile(context: ScriptContext, suffix = ""): string {
  const { projectDir, projectCacheDir } = context.directories;
  return join(relative(projectDir, projectCacheDir), `${cacheKey(context)}${suffix}`, "cache.zip");
}

function cacheUrl(context: ScriptContext): string {
  const key = encodeURIComponent(cacheKey(context));
  return `${storeUrl(context)}/cache/project-${context.job.project.id}/${key}`;
}

/** The stage succeeds nevertheless, so that caches and artifacts get lost without an error. */
function missing(what: string): string {
  return say(`Missing gitlab-runner. ${what} is disabled.`);
}

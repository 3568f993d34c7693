import { findProgram, isProgram } from "../host/find-program.ts";
import { runCommand } from "../host/process.ts";

/** The Charliecloud programs of this host, and what their version can do. */
export interface Applications {
  readonly chRun: Application | undefined;
  readonly chImage: Application | undefined;
  /** Where they were looked for, for messages. */
  readonly searched: string;
}

export interface Application {
  readonly path: string;
  /** As the program prints it, e.g. `0.38`; empty when it could not be asked. */
  readonly version: string;
}

const VERSION_MILLISECONDS = 20_000;

/**
 * Finds `ch-run` and `ch-image` where `[general.charliecloud] application_path` says (a directory, or the full path of
 * one of them), else in the login shell's PATH, and asks each for its version.
 */
export async function findApplications(
  applicationPath: string | undefined,
  env: Readonly<Record<string, string>>,
): Promise<Applications> {
  const find = (name: string) => locate(name, applicationPath, env["PATH"]);
  const [chRun, chImage] = await Promise.all([
    ask(find("ch-run"), env),
    ask(find("ch-image"), chImageEnvironment(find("ch-image") ?? "", env)),
  ]);
  const searched = applicationPath
    ? `[general.charliecloud] application_path = "${applicationPath}"`
    : `PATH of the login shell (${env["PATH"] ?? "empty"})`;
  return { chRun, chImage, searched };
}

/** `--write-fake`: since 0.36. `--feature` is of no use: distributions' builds deny what they can do. */
export function canWriteFake(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return major > 0 || minor >= 36;
}

/**
 * A distribution's ch-image is written for the distribution's Python, whatever a user's profile puts first in PATH;
 * another one was set up by the environment that names it, so that environment stays as it is.
 */
export function chImageEnvironment(
  path: string,
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  const result = { ...env };
  if (path.startsWith("/usr/bin/")) {
    result["PATH"] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", env["PATH"] ?? ""].join(":");
    delete result["PYTHONHOME"];
    delete result["PYTHONPATH"];
  }
  return result;
}

function locate(
  name: string,
  applicationPath: string | undefined,
  path: string | undefined,
): string | undefined {
  if (applicationPath === undefined) return findProgram(name, path);
  const trimmed = applicationPath.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  const namesOneTool = /^ch-/.test(trimmed.slice(slash + 1));
  const inDirectory = `${namesOneTool ? trimmed.slice(0, slash) : trimmed}/${name}`;
  if (isProgram(inDirectory)) return inDirectory;
  // Named one tool alone: the others are where the user has them.
  return namesOneTool && !trimmed.endsWith(`/${name}`) ? findProgram(name, path) : undefined;
}

async function ask(
  path: string | undefined,
  env: Readonly<Record<string, string>>,
): Promise<Application | undefined> {
  if (path === undefined) return undefined;
  const run = await runCommand([path, "--version"], {
    env,
    cwd: "/",
    timeout: VERSION_MILLISECONDS,
  });
  // ch-run answers on stderr, ch-image on stdout; a git build appends more after the number.
  const version = /\d+\.\d+(\.\d+)?/.exec(`${run.stdout}\n${run.stderr}`)?.[0] ?? "";
  return { path, version: run.outcome === "exited" ? version : "" };
}

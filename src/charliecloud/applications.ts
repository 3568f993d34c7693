import { findProgram, isProgram } from "../host/find-program.ts";
import { runCommand } from "../host/process.ts";

/** The Charliecloud programs of this host, and what their version can do. */
export interface Applications {
  readonly chRun: Application | undefined;
  readonly chImage: Application | undefined;
  /** The environment in which ch-image works. May hold secrets: no part of a plan. */
  readonly chImageEnv: Readonly<Record<string, string>>;
  /** Where they were looked for, for messages. */
  readonly searched: string;
}

export interface Application {
  readonly path: string;
  /** As the program prints it, e.g. `0.38`; empty when it could not be asked, or was not. */
  readonly version: string;
}

const VERSION_MILLISECONDS = 20_000;

/**
 * Finds `ch-run` and `ch-image` where `[general.charliecloud] application_path` says (a directory, or the full path of
 * one of them), else in the login shell's PATH, and asks each for its version.
 *
 * @param asksChImage whether ch-image is asked, too: its Python takes longer to start than all else in a job's `prepare`
 */
export async function findApplications(
  applicationPath: string | undefined,
  env: Readonly<Record<string, string>>,
  { asksChImage = true }: { readonly asksChImage?: boolean } = {},
): Promise<Applications> {
  const find = (name: string) => locate(name, applicationPath, env["PATH"]);
  const [chRun, image] = await Promise.all([
    ask(find("ch-run"), env),
    askChImage(find("ch-image"), env, asksChImage),
  ]);
  return {
    chRun,
    chImage: image.application,
    chImageEnv: image.env,
    searched: places(applicationPath, env["PATH"]),
  };
}

function places(applicationPath: string | undefined, path: string | undefined): string {
  if (applicationPath === undefined) return `PATH of the login shell (${path ?? "empty"})`;
  const wanted = applicationPath.startsWith("/") ? "" : ", which is no absolute path";
  return `[general.charliecloud] application_path = "${applicationPath}"${wanted}`;
}

/** `--write-fake`: since 0.36. `--feature` is of no use: distributions' builds deny what they can do. */
export function canWriteFake(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return major > 0 || minor >= 36;
}

/**
 * A distribution's ch-image is written for the distribution's Python, whatever a user's profile puts first in PATH or
 * has installed in the home; another one was set up by the environment that names it, so that environment stays as it
 * is.
 */
export function chImageEnvironment(
  path: string,
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  return /^(\/usr)?\/bin\//.test(path) ? systemEnvironment(env) : { ...env };
}

function systemEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const { PYTHONHOME: _home, PYTHONPATH: _path, ...rest } = env;
  return {
    ...rest,
    // An empty entry would be the working directory.
    PATH: ["/usr/bin:/bin:/usr/sbin:/sbin", env["PATH"]].filter(Boolean).join(":"),
    PYTHONNOUSERSITE: "1",
  };
}

/** A ch-image that the login shell's Python cannot run may still be one for the system's: built on this host. */
async function askChImage(
  path: string | undefined,
  login: Readonly<Record<string, string>>,
  asks: boolean,
): Promise<{
  readonly application: Application | undefined;
  readonly env: Readonly<Record<string, string>>;
}> {
  const env = chImageEnvironment(path ?? "", login);
  if (!asks) return { application: path === undefined ? path : { path, version: "" }, env };
  const application = await ask(path, env);
  if (application === undefined || application.version !== "") return { application, env };
  const other = systemEnvironment(login);
  const again = await ask(path, other);
  return again?.version ? { application: again, env: other } : { application, env };
}

function locate(
  name: string,
  applicationPath: string | undefined,
  path: string | undefined,
): string | undefined {
  if (applicationPath === undefined) return findProgram(name, path);
  const trimmed = applicationPath.replace(/\/+$/, "");
  if (!trimmed.startsWith("/")) return undefined;
  if (!isProgram(trimmed)) return programIn(trimmed, name);
  const slash = trimmed.lastIndexOf("/");
  if (trimmed.slice(slash + 1).startsWith(name)) return trimmed;
  // Named one tool alone: the others are beside it, or where the user has them.
  return programIn(trimmed.slice(0, slash), name) ?? findProgram(name, path);
}

function programIn(directory: string, name: string): string | undefined {
  const program = `${directory}/${name}`;
  return isProgram(program) ? program : undefined;
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
  // What a program that cannot start says holds numbers too, such as `GLIBC_2.38`.
  const answered = run.outcome === "exited" && run.status === 0;
  return { path, version: answered ? versionIn(`${run.stdout}\n${run.stderr}`) : "" };
}

/** The version in what `--version` prints: ch-run answers on stderr, and a build from Git appends more to the number. */
export function versionIn(text: string): string {
  return /^(?:ch-\w+ )?v?(\d+\.\d+(?:\.\d+)?)/m.exec(text)?.[1] ?? "";
}

import { SystemFailure } from "./failure.ts";
import { runCommand } from "./process.ts";

/** A login shell with a slow profile is waited for this long. */
const PROFILE_MILLISECONDS = 120_000;
const MARK = "jacamar-login-environment";

export interface LoginShell {
  /** Absolute path of Bash. */
  readonly bash: string;
  /** The clean environment that the shell starts with. */
  readonly env: Readonly<Record<string, string>>;
}

/** What a login shell made of its environment, and what its profile wrote; else why it ran no command. */
export type LoginReading =
  | {
      readonly ok: true;
      readonly env: Readonly<Record<string, string>>;
      readonly stdout: string;
      readonly stderr: string;
    }
  | { readonly ok: false; readonly why: string };

/**
 * What a user's profile makes of the clean environment: every exported variable of a login shell, single-line or not.
 *
 * @throws SystemFailure when the profile ends the shell or takes too long
 */
export async function loginEnvironment(
  shell: LoginShell,
  signal: AbortSignal,
  timeout = PROFILE_MILLISECONDS,
): Promise<Readonly<Record<string, string>>> {
  const login = await readLogin(shell, signal, timeout);
  if (login.ok) return login.env;
  throw new SystemFailure(
    `cannot read the login environment: ${login.why}; look for exit, exec or an error in the shell's profile files`,
  );
}

/** Starts the login shell once. Never throws. */
export async function readLogin(
  shell: LoginShell,
  signal: AbortSignal,
  timeout: number,
): Promise<LoginReading> {
  // A profile may print anything first, and may leave its own PATH without /usr/bin.
  const script = `printf '%s\\0' ${MARK}; exec /usr/bin/env -0`;
  const run = await runCommand([shell.bash, "--login", "-c", script], {
    env: shell.env,
    cwd: "/",
    timeout,
    signal,
  });
  const start = run.stdout.indexOf(`${MARK}\0`);
  if (run.outcome !== "exited" || start < 0) {
    const said = lastLine(run.stderr);
    const why = `${shell.bash} --login ${run.description} before it ran a command`;
    return { ok: false, why: said === "" ? why : `${why} (${said})` };
  }
  const entries = run.stdout.slice(start + MARK.length + 1).split("\0");
  const env = Object.fromEntries(
    entries.filter((entry) => entry.includes("=")).map((entry) => splitOnce(entry)),
  );
  return { ok: true, env, stdout: run.stdout.slice(0, start), stderr: run.stderr };
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return [entry.slice(0, at), entry.slice(at + 1)];
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").pop() ?? "";
}

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

/** What a user's profile makes of the clean environment. */
export interface Login {
  /** Every exported variable, single-line or not. */
  readonly env: Readonly<Record<string, string>>;
  /** When that was, in the shell's time zone, e.g. `2026-11-25 04:15:41 CET`. */
  readonly time: string;
}

/** What a login shell said, and what its profile wrote; else why it ran no command. */
export type LoginReading =
  | ({ readonly ok: true; readonly stdout: string; readonly stderr: string } & Login)
  | { readonly ok: false; readonly why: string };

/**
 * Starts the user's login shell to see what jobs will find.
 *
 * @throws SystemFailure when the profile ends the shell or takes too long
 */
export async function logIn(
  shell: LoginShell,
  signal: AbortSignal,
  timeout = PROFILE_MILLISECONDS,
): Promise<Login> {
  const login = await readLogin(shell, signal, timeout);
  if (login.ok) return login;
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
  // A profile may print anything first, and may leave its own PATH without /usr/bin. JavaScript would take longer to load
  // its time zones than this shell takes.
  const script = `printf '%s\\0%(%F %T %Z)T\\0' ${MARK} -1; exec /usr/bin/env -0`;
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
  const [time = "", ...entries] = run.stdout.slice(start + MARK.length + 1).split("\0");
  const env = Object.fromEntries(
    entries.filter((entry) => entry.includes("=")).map((entry) => splitOnce(entry)),
  );
  return { ok: true, env, time, stdout: run.stdout.slice(0, start), stderr: run.stderr };
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return [entry.slice(0, at), entry.slice(at + 1)];
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").pop() ?? "";
}

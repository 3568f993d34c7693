import { loginShell } from "../executors/site.ts";
import { readLogin } from "../host/login-shell.ts";
import { runCommand } from "../host/process.ts";
import type { User } from "../host/user.ts";
import type { Settings } from "../settings/settings.ts";
import type { ShellFacts } from "./context.ts";
import { type Finding, fail, merged, ok, type Probe, warn } from "./finding.ts";

/** Hooks wait longer; but about ten stages of each job start such a shell. */
const PATIENCE_MILLISECONDS = 15_000;
const SLOW_SECONDS = 3;
/** The oldest Bash that the driver's programs run in. */
const OLDEST_BASH = [4, 2] as const;
const LONGEST_SHOWN = 60;

export interface Login {
  readonly facts: ShellFacts;
  readonly env: Readonly<Record<string, string>> | undefined;
}

/** Starts the clean login shell that jobs have, once. */
export async function askLogin(settings: Settings, user: User, path: string): Promise<Login> {
  const shell = loginShell(settings, user, path);
  const start = performance.now();
  const login = await readLogin(shell, new AbortController().signal, PATIENCE_MILLISECONDS);
  const seconds = (performance.now() - start) / 1000;
  if (!login.ok) return { facts: { answered: false, why: login.why }, env: undefined };
  const { stdout, stderr, env } = login;
  const asked = await runCommand([shell.bash, "-c", 'printf %s "$BASH_VERSION"'], {
    env: shell.env,
    cwd: "/",
    timeout: PATIENCE_MILLISECONDS,
  });
  const version = asked.stdout;
  return { facts: { answered: true, shell, version, stdout, stderr, seconds }, env };
}

export function judgeLogin(facts: ShellFacts): Finding {
  if (!facts.answered)
    return fail(
      facts.why,
      "no job can start; the probes below looked with a system PATH instead of the user's",
      "look for exit, exec, a question or a slow network in the profile files; $JACAMAR_CI_SHELL is set in jobs alone",
    );
  const { shell, version, seconds } = facts;
  return merged([
    ok(`${shell.bash} --login took ${seconds.toFixed(1)} s`),
    judgeVersion(shell.bash, version),
    judgeNoise("stdout", facts.stdout),
    judgeNoise("stderr", facts.stderr),
    seconds > SLOW_SECONDS
      ? warn(
          "",
          `each of about ten stages of a job waits ${seconds.toFixed(0)} s for the profile`,
          "make the profile files faster where $JACAMAR_CI_SHELL is set",
        )
      : ok(""),
  ]);
}

function judgeVersion(bash: string, version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const [wantedMajor, wantedMinor] = OLDEST_BASH;
  const isOld = major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
  return isOld
    ? fail(
        `Bash is ${version === "" ? "of an unknown version" : version}`,
        `the driver's programs need Bash ${wantedMajor}.${wantedMinor} or later`,
        `[general] shell_path with another Bash than ${bash}`,
      )
    : ok(`Bash ${version.split("(")[0]}`);
}

function judgeNoise(stream: string, text: string): Finding {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const [first] = lines;
  if (first === undefined) return ok("");
  const shown = first.length > LONGEST_SHOWN ? `${first.slice(0, LONGEST_SHOWN)}…` : first;
  return warn(
    `its profile writes ${lines.length} line${lines.length === 1 ? "" : "s"} to ${stream}, first ${JSON.stringify(shown)}`,
    "it stands in the log of every stage of every job",
    'keep the profile files quiet in jobs: [ -n "$JACAMAR_CI_SHELL" ] || echo …',
  );
}

export const loginProbe: Probe = {
  id: "login-shell",
  title: "login shell",
  run: async ({ shell }) => judgeLogin(shell),
};

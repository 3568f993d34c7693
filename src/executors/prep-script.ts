import { writeFileSync } from "node:fs";
import { SystemFailure } from "../host/failure.ts";
import { exists } from "../host/files.ts";
import { isProgram } from "../host/find-program.ts";
import type { Log } from "../host/log.ts";
import type { LoginShell } from "../host/login-shell.ts";
import { runCommand } from "../host/process.ts";

const KEY = "[general.charliecloud] prep_script";
/** Of a file's name: with a longer one, looking for the file would be an error. */
const LONGEST_PATH = 255;

/**
 * Runs the administrator's script, as the user, before anything of Charliecloud runs: a file by its absolute path, or
 * Bash text from the configuration.
 *
 * @throws SystemFailure when it fails; its output is in the job log
 */
export async function runPrepScript(
  script: string | undefined,
  context: {
    readonly shell: LoginShell;
    /** The attempt's private directory. */
    readonly directory: string;
    readonly log: Log;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  if (script === undefined) return;
  const { shell, directory, log, signal } = context;
  const isPath = looksLikePath(script);
  if (isPath && !exists(script)) {
    throw new SystemFailure(`cannot run ${script}: there is no such file (${KEY})`);
  }
  const file = isPath ? script : `${directory}/prep-script.bash`;
  if (!isPath) writeFileSync(file, `${script}\n`, { mode: 0o700 });
  const run = await runCommand(commandFor(file, isPath, shell), {
    env: shell.env,
    cwd: shell.env["HOME"] && exists(shell.env["HOME"]) ? shell.env["HOME"] : "/",
    onLine: (line) => log.log(line),
    signal,
  });
  if (run.outcome === "exited" && run.status === 0) return;
  throw new SystemFailure(
    `the site's preparation script ${run.description}; see its output above (${KEY})`,
  );
}

/** A path with blanks could also be a command with arguments, unless there is such a file. */
function looksLikePath(script: string): boolean {
  if (!script.startsWith("/") || script.length > LONGEST_PATH) return false;
  return /^[^\s;&|<>()$`]*$/.test(script) || (!script.includes("\n") && exists(script));
}

/** A program runs as what its first line says; text and plain files run in a login shell. */
function commandFor(file: string, isPath: boolean, shell: LoginShell): string[] {
  return isPath && isProgram(file)
    ? [shell.bash, "--login", "-c", 'exec "$0"', file]
    : [shell.bash, "--login", file];
}

import { findProgram, isProgram } from "../../host/find-program.ts";
import { runCommand } from "../../host/process.ts";
import { expandVariables } from "../../job/expand.ts";
import { accept, refuse, type Verdict } from "../../plan/decision.ts";
import type { Answer, Call, Scheduler } from "./scheduler.ts";

/** Runs the scheduler's commands; each is given up after so many seconds. */
export type Caller = (call: Call, seconds: number) => Promise<Answer>;

/** Absolute paths of the scheduler's programs: in `[batch] scheduler_bin`, else in the login shell's PATH. */
export function findSchedulerPrograms(
  scheduler: Scheduler,
  directory: string | undefined,
  path: string | undefined,
): Verdict<Readonly<Record<string, string>>> {
  const from = "[batch] scheduler_bin";
  const found: Record<string, string> = {};
  for (const name of scheduler.programs) {
    const file =
      directory === undefined
        ? findProgram(name, path)
        : `${directory.replace(/\/+$/, "")}/${name}`;
    if (file === undefined || !isProgram(file)) {
      const where =
        directory === undefined ? "PATH of the login shell" : `${from} = "${directory}"`;
      const message = `cannot use ${scheduler.title}: ${name} was not found in ${where}; set ${from}`;
      return refuse("admin", message, from);
    }
    found[name] = file;
  }
  return accept(found);
}

export function makeCaller(
  programs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Caller {
  return async (call, seconds) => {
    const [name = "", ...words] = call.argv;
    const run = await runCommand([programs[name] ?? name, ...words], {
      env: { ...env, ...call.env },
      cwd: "/",
      timeout: seconds * 1000,
    });
    const status = run.outcome === "exited" ? run.status : undefined;
    return {
      status,
      stdout: run.stdout,
      stderr: run.stderr || (status === undefined ? run.description : ""),
    };
  };
}

/**
 * Environment of the scheduler's commands: small, so that no variable of the runner's acts as an option of theirs; with
 * `[batch] env_vars`, whose `$NAME` are the login shell's.
 */
export function schedulerEnvironment(input: {
  readonly scheduler: Scheduler;
  readonly hook: Readonly<Record<string, string | undefined>>;
  readonly login: Readonly<Record<string, string>>;
  readonly user: { readonly name: string; readonly home: string };
  readonly envVars: readonly string[];
  /** `[batch] scheduler_bin`: jobs may need the scheduler's own programs. */
  readonly directory: string | undefined;
}): Record<string, string> {
  const { scheduler, hook, login, user, envVars, directory } = input;
  const kept = [...Object.entries(hook), ...Object.entries(login)].flatMap(([name, value]) =>
    value !== undefined && scheduler.keepsVariable(name) ? [[name, value] as const] : [],
  );
  const added = envVars.map((entry) => {
    const at = entry.indexOf("=");
    return [entry.slice(0, at), expandVariables(entry.slice(at + 1), login)] as const;
  });
  return {
    ...Object.fromEntries(kept),
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    PATH: [login["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", directory ?? []].flat().join(":"),
    LC_ALL: "C",
    ...Object.fromEntries(added),
  };
}

import { type Application, findApplications } from "../charliecloud/applications.ts";
import { type CommandResult, runCommand } from "../host/process.ts";
import type { Context } from "./context.ts";

/** Milliseconds for one command of a probe. */
export const COMMAND_PATIENCE = 10_000;
const GRACE_MILLISECONDS = 500;
/** Where distributions put the programs of administrators. */
const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/** Runs a command of a probe with a plain environment, or another one. */
export function ask(
  { user, login }: Pick<Context, "user" | "login">,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return runCommand(argv, {
    env: {
      PATH: `${login["PATH"] ?? ""}:${SYSTEM_PATH}`,
      HOME: user.home,
      USER: user.name,
      LOGNAME: user.name,
      LC_ALL: "C",
      ...env,
    },
    cwd: "/",
    timeout: COMMAND_PATIENCE,
    grace: GRACE_MILLISECONDS,
  });
}

/** How a command went, in one clause with its own last words. */
export function outcomeOf(run: CommandResult): string {
  const said = `${run.stdout}\n${run.stderr}`.trim().split("\n").pop()?.trim() ?? "";
  return said === "" ? run.description : `${run.description}: ${said}`;
}

export function worked({ outcome, status }: CommandResult): boolean {
  return outcome === "exited" && status === 0;
}

export function findChRun(context: Context): Promise<Application | undefined> {
  const { settings, login, user } = context;
  const path = settings.charliecloud.application_path;
  return findApplications(path, { USER: user.name, ...login }, { asksChImage: false }).then(
    ({ chRun }) => chRun,
  );
}

/** Whether any job of the site can run in a container. */
export function usesContainers({ settings }: Pick<Context, "settings">): boolean {
  return settings.general.run_mechanism === "charliecloud";
}

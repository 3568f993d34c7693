import type { User } from "../../host/user.ts";
import type { Verdict } from "../../plan/decision.ts";
import type { Settings } from "../../settings/settings.ts";
import { adminEnvironment } from "../site.ts";
import { type Caller, findSchedulerPrograms, makeCaller, schedulerEnvironment } from "./calls.ts";
import type { Scheduler } from "./scheduler.ts";
import { schedulerNamed } from "./schedulers.ts";

/** The batch scheduler as this host has it. */
export interface SchedulerFacts {
  /** Absolute paths by name, or which one is missing and the key to set. */
  readonly programs: Verdict<Readonly<Record<string, string>>>;
  /** Environment of its commands. May hold secrets of the site: no part of a plan. */
  readonly env: Readonly<Record<string, string>>;
  /** `MAJOR.MINOR[.PATCH]`; empty where nothing depends on it or nothing was answered. */
  readonly version: string;
}

const VERSION_SECONDS = 30;

/** Undefined with `executor = "shell"`. Starts nothing but the command that prints the version. */
export async function findScheduler(input: {
  readonly settings: Settings;
  readonly user: User;
  /** The hook's own environment, of which the scheduler's commands get next to nothing. */
  readonly hook: Readonly<Record<string, string | undefined>>;
  readonly login: Readonly<Record<string, string>>;
}): Promise<SchedulerFacts | undefined> {
  const { settings, user, hook } = input;
  const scheduler = schedulerNamed(settings.general.executor);
  if (scheduler === undefined) return undefined;
  const { scheduler_bin: directory, env_vars: envVars } = settings.batch;
  const login = { ...input.login, ...adminEnvironment(settings) };
  const programs = findSchedulerPrograms(scheduler, directory, input.login["PATH"]);
  const env = schedulerEnvironment({ scheduler, hook, login, user, envVars, directory });
  const caller = programs.ok ? makeCaller(programs.value, env) : undefined;
  const version = caller ? await askVersion(scheduler, caller, VERSION_SECONDS) : "";
  return { programs, env, version };
}

/** `MAJOR.MINOR[.PATCH]`; empty where nothing depends on it or nothing was answered in so many seconds. */
export async function askVersion(
  { version }: Scheduler,
  call: Caller,
  seconds: number,
): Promise<string> {
  if (version === undefined) return "";
  const { status, stdout, stderr } = await call(version, seconds);
  if (status === undefined) return "";
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] ?? "";
}

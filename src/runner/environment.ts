import { join } from "node:path";
import type { Variable } from "./variables.ts";
import { atLeast } from "./version.ts";

/** What the environment of one hook is composed of. */
export interface HookEnvironmentParts {
  /** The runner process' own environment, handed on whole, secrets included. */
  readonly parent: Readonly<Record<string, string>>;
  /** The attempt's `TMPDIR`. */
  readonly temporaryDirectory: string;
  /** `job_env` of this attempt's `config_exec`; empty for `config_exec` itself. */
  readonly jobEnv: Readonly<Record<string, string>>;
  /** Expanded build variables. */
  readonly variables: readonly Variable[];
  readonly version: string;
}

/** Path of the job payload, or undefined for a runner older than 14.1, which has none. */
export function responseFile(temporaryDirectory: string, version: string): string | undefined {
  return atLeast(version, "14.1") ? join(temporaryDirectory, "response.json") : undefined;
}

/** Path of the exit-code file, or undefined for a runner older than 17.9, which has none. */
export function exitCodeFile(temporaryDirectory: string, version: string): string | undefined {
  return atLeast(version, "17.9") ? join(temporaryDirectory, "build_exit_code") : undefined;
}

/**
 * The environment of a hook: the runner's own, then the runner's defaults, then `job_env`, then
 * `CUSTOM_ENV_<key>` for every build variable. The last value of a name wins.
 *
 * A file variable arrives as its content; only the generated scripts turn it into a path.
 */
export function hookEnvironment(parts: HookEnvironmentParts): Record<string, string> {
  const environment = new Map(Object.entries(parts.parent));
  environment.set("TMPDIR", parts.temporaryDirectory);
  environment.set("BUILD_FAILURE_EXIT_CODE", "1");
  environment.set("SYSTEM_FAILURE_EXIT_CODE", "2");
  const exitCode = exitCodeFile(parts.temporaryDirectory, parts.version);
  if (exitCode !== undefined) {
    environment.set("BUILD_EXIT_CODE_FILE", exitCode);
  }
  const response = responseFile(parts.temporaryDirectory, parts.version);
  if (response !== undefined) {
    environment.set("JOB_RESPONSE_FILE", response);
  }
  for (const [name, value] of Object.entries(parts.jobEnv)) {
    environment.set(name, value);
  }
  for (const { key, value } of parts.variables) {
    environment.set(`CUSTOM_ENV_${key}`, value);
  }
  return Object.fromEntries(environment);
}

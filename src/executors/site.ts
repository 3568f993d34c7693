import { existsSync } from "node:fs";
import { SystemFailure } from "../host/failure.ts";
import { findProgram } from "../host/find-program.ts";
import type { LoginShell } from "../host/login-shell.ts";
import type { ProcessIdentity } from "../host/proc.ts";
import type { User } from "../host/user.ts";
import { type DefaultRegistry, defaultRegistry } from "../plan/default-registry.ts";
import type { Directories } from "../plan/directories.ts";
import type { Settings } from "../settings/settings.ts";

/** What `config` decides once for an attempt and the later hooks read; no secret in it. */
export interface AttemptState {
  readonly version: 1;
  readonly settings: Settings;
  readonly user: User;
  readonly job: { readonly id: string; readonly name: string; readonly project?: string };
  /** Names everything that this attempt holds: its claims, its leases, its processes. */
  readonly token: string;
  /** gitlab-runner: what the attempt holds is given up when this process has ended. */
  readonly holder: ProcessIdentity;
  /** Milliseconds since 1970: after that, what is left of the attempt is anybody's to clean up. */
  readonly expires: number;
  /** Milliseconds since 1970. Absent in what an older version wrote, as is the project's id. */
  readonly began?: number;
  readonly noAuth: boolean;
  /** Directories in which a slot may have been claimed: known before the claim is. */
  readonly claimDirectories: readonly string[];
  /** Absent until a slot has been claimed. */
  readonly slot?: number;
  readonly directories?: Directories;
}

/** `K=V` entries of `[general] user_bash_env`. */
export function adminEnvironment(settings: Settings): Record<string, string> {
  return Object.fromEntries(
    settings.general.user_bash_env.map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)] as const;
    }),
  );
}

/** The registry that the site has for image names without one; absent: Docker Hub. */
export function siteRegistry(settings: Settings): DefaultRegistry | undefined {
  return defaultRegistry(adminEnvironment(settings));
}

/** Variable that every process of a host stage carries, so that it can be found after its supervisor was killed. */
export const TOKEN_VARIABLE = "JACAMAR_CI_TOKEN";

/** The clean login shell: what `env -i HOME=… K=V bash --login` would have, and that it is a CI job. */
export function loginShell(
  settings: Settings,
  user: User,
  hookPath: string | undefined,
): LoginShell {
  return {
    bash: findBash(settings.general.shell_path, hookPath),
    env: {
      HOME: user.home,
      USER: user.name,
      LOGNAME: user.name,
      JACAMAR_CI_SHELL: "true",
      ...adminEnvironment(settings),
    },
  };
}

function findBash(shellPath: string | undefined, hookPath: string | undefined): string {
  if (shellPath !== undefined) {
    if (shellPath.startsWith("/") && existsSync(shellPath)) return shellPath;
    throw new SystemFailure(
      `cannot start the job's shell: [general] shell_path = "${shellPath}" does not exist; wanted: the absolute path of Bash`,
    );
  }
  const found = findProgram("bash", `/bin:/usr/bin:${hookPath ?? ""}`);
  if (found !== undefined) return found;
  throw new SystemFailure(
    "cannot start the job's shell: bash was not found; set [general] shell_path",
  );
}

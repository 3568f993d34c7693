import type { LoginShell } from "../host/login-shell.ts";
import type { User } from "../host/user.ts";
import type { Settings } from "../settings/settings.ts";

/** What is known before the first probe; plain data, since each probe runs in a process of its own. */
export interface Context {
  readonly user: User;
  readonly noAuth: boolean;
  readonly configuration: ConfigurationFacts;
  /** The file's, or those of a plain site where the file is of no use. */
  readonly settings: Settings;
  readonly shell: ShellFacts;
  /** Exported variables of the login shell, or a stand-in where it did not answer. May hold secrets. */
  readonly login: Readonly<Record<string, string>>;
  /** Environment of this program: stands for the one that gitlab-runner gives its hooks. */
  readonly hook: Readonly<Record<string, string>>;
  /** A fresh directory of this user on a local file system, for what probes make. */
  readonly scratch: string;
}

export interface ConfigurationFacts {
  /** Absolute; undefined where none was named and there is none at the usual place. */
  readonly file: string | undefined;
  /** Of `jacamar check`. */
  readonly errors: number;
  readonly warnings: number;
  /** The first of them, as `LINE: message`. */
  readonly first: string;
  /** Why it could not even be looked at. */
  readonly unreadable?: string;
}

/** How the clean login shell of jobs behaved. */
export type ShellFacts =
  | {
      readonly answered: true;
      readonly shell: LoginShell;
      /** E.g. `5.2.15(1)-release`; empty where it could not be asked. */
      readonly version: string;
      /** What its profile wrote to stdout and stderr. */
      readonly stdout: string;
      readonly stderr: string;
      readonly seconds: number;
    }
  | { readonly answered: false; readonly why: string };

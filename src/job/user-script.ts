import type { Payload } from "./payload.ts";
import { secretNames } from "./secrets.ts";

/** The user's script as GitLab sent it, and which variables are more than text. May hold a secret that stands in it. */
export interface UserScript {
  /** Entries of `before_script` and `script`; an entry may have several lines. */
  readonly entries: readonly string[];
  /** Names of variables whose value is the path of a file. */
  readonly files: readonly string[];
  /** Names of variables whose value is a secret. */
  readonly secrets: readonly string[];
}

/** Undefined when GitLab sent none. */
export function userScript(payload: Payload | undefined): UserScript | undefined {
  // GitLab joins before_script and script into the step of this name.
  const step = payload?.steps.find(({ name }) => name === "script");
  if (payload === undefined || step === undefined) return undefined;
  const files = payload.variables.filter(({ file }) => file).map(({ key }) => key);
  return { entries: step.script, files, secrets: secretNames(payload) };
}

import type { RegistryAccount } from "../job/job.ts";
import { canonicalRegistry } from "../settings/registry-prefix.ts";
import { accept, type Decision, refuse, type Verdict } from "./decision.ts";
import type { Reference } from "./reference.ts";

const USERNAME = "CH_IMAGE_USERNAME";
const PASSWORD = "CH_IMAGE_PASSWORD";

/**
 * Where the account for a pull comes from, never its password: `variables` → the variable `CH_IMAGE_PASSWORD`,
 * `payload` and `job-token` → `Secrets.passwords[registry]`, `none` → an anonymous pull.
 */
export interface CredentialChoice extends Decision<"variables" | "payload" | "job-token" | "none"> {
  /** `host[:port]` that gets the account; `docker.io` for names of Docker Hub. */
  readonly registry: string;
  readonly username?: string;
}

export interface CredentialInput {
  readonly reference: Pick<Reference, "host">;
  /** The job's; give `{}` for an admin's image, whose registry must not get the user's password. */
  readonly variables: Readonly<Record<string, string>>;
  readonly registries: readonly RegistryAccount[];
  /** `host[:port]` of the mirror that is asked instead of the registry in the name. */
  readonly mirror?: string | undefined;
}

/**
 * Chooses the account for a pull: the user's own variables, else an account that GitLab gave for exactly this
 * `host[:port]`, else none. One of the two variables without the other is the user's fault.
 *
 * A mirror gets only an account that GitLab gave for the mirror itself: the user's variables are meant for the registry
 * in the image's name.
 */
export function chooseCredentials(input: CredentialInput): Verdict<CredentialChoice> {
  const { reference, variables, registries } = input;
  const named = reference.host ?? "docker.io";
  const mirror = isOther(named, input.mirror) ? input.mirror : undefined;
  const registry = mirror ?? named;
  const username = variables[USERNAME] ?? "";
  const password = variables[PASSWORD] ?? "";
  if ((username === "") !== (password === "")) {
    return incomplete(username === "" ? USERNAME : PASSWORD, named);
  }
  if (username !== "" && mirror === undefined) {
    const because = "the job sets both variables";
    const from = `${USERNAME}, ${PASSWORD}`;
    return accept({ choice: "variables", because, from, registry, username });
  }
  const asked = mirror ?? reference.host;
  const account = registries.find(({ host }) => host === asked);
  if (account === undefined) {
    const ignored = username === "" ? "" : `, and the one of ${named} is not for a mirror`;
    const because = `the job has no account for ${registry}${ignored}`;
    return accept({ choice: "none", because, from: "image:", registry });
  }
  const fromPayload = account.from === "credentials";
  return accept({
    choice: fromPayload ? "payload" : "job-token",
    because: fromPayload
      ? `GitLab gave the job an account for ${registry}`
      : `${registry} is the registry of the job's own GitLab`,
    from: fromPayload ? "credentials of the job payload" : "CI_REGISTRY",
    registry,
    username: account.username,
  });
}

/** Whether a mirror is another registry than the one in the name. */
function isOther(named: string, mirror: string | undefined): boolean {
  return mirror !== undefined && canonicalRegistry(mirror) !== canonicalRegistry(named);
}

function incomplete(missing: string, registry: string): Verdict<CredentialChoice> {
  const given = missing === USERNAME ? PASSWORD : USERNAME;
  const message =
    `Cannot log in to the registry ${registry}: the job sets ${given}, but ${missing} is missing or empty; ` +
    "wanted both variables or neither";
  return refuse("user", message, missing);
}

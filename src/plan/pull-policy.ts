import type { PullPolicy } from "../settings/settings.ts";
import { accept, type Decision, refuse, type Verdict } from "./decision.ts";
import { quoted } from "./quoted.ts";

const POLICIES: readonly PullPolicy[] = ["always", "if-not-present", "never"];

const ALLOWED = "[general.charliecloud] allowed_pull_policies";

/** Who asks for pull policies: a job in its `image:`, or an admin for `runner_image`. */
export interface PullPolicyWish {
  readonly by: "job" | "admin";
  readonly words: readonly string[];
  /** The site's `allowed_pull_policies`; absent: all. */
  readonly allowed?: readonly PullPolicy[] | undefined;
}

/**
 * The pull policies of an image, to be tried one after the other until one succeeds. As in GitLab's own executors, of
 * those that are asked for only the allowed ones count, and it is a refusal if none is left. Without a wish it is
 * `always`, or the first allowed policy where `always` is not allowed. An unknown word is the fault of the one who
 * wrote it.
 */
export function choosePullPolicies(wish: PullPolicyWish): Verdict<readonly Decision<PullPolicy>[]> {
  const { by, words, allowed } = wish;
  const isJob = by === "job";
  const from = isJob ? "image: pull_policy" : "[general.charliecloud] runner_pull_policy";
  if (words.length === 0) return accept([defaultPolicy(allowed, from)]);
  const fault = isJob ? "user" : "admin";
  const known = words.flatMap((word) => POLICIES.filter((policy) => policy === word));
  const unknown = words.find((word) => POLICIES.every((policy) => policy !== word));
  if (unknown !== undefined) {
    const message = `Cannot use the pull policy ${quoted(unknown)} of ${from}: wanted one of ${POLICIES.join(", ")}`;
    return refuse(fault, message, from);
  }
  const kept = known.filter((policy) => allowed?.includes(policy) ?? true);
  if (kept.length === 0) {
    const message = `Cannot use ${from} ${listed(known)}: this site does not allow it; wanted ${oneOf(allowed ?? [])} (admins: ${ALLOWED})`;
    return refuse(fault, message, from);
  }
  const asks = isJob ? "the job asks for it" : "the configuration asks for it";
  const dropped = known.filter((policy) => !kept.includes(policy));
  const because =
    dropped.length === 0 ? asks : `${asks}; ${ALLOWED} leaves out ${dropped.join(", ")}`;
  return accept(kept.map((choice) => ({ choice, because, from })));
}

function defaultPolicy(
  allowed: readonly PullPolicy[] | undefined,
  from: string,
): Decision<PullPolicy> {
  const [first] = allowed ?? [];
  if (first === undefined || allowed?.includes("always")) {
    return { choice: "always", because: "nothing else is asked for", from };
  }
  const because = "none is asked for, and it is the first that this site allows";
  return { choice: first, because, from: ALLOWED };
}

function listed(policies: readonly PullPolicy[]): string {
  return policies.length === 1 ? quoted(policies.join("")) : `[${policies.map(quoted).join(", ")}]`;
}

function oneOf(policies: readonly PullPolicy[]): string {
  return policies.length === 1
    ? quoted(policies.join(""))
    : `one of ${policies.map(quoted).join(", ")}`;
}

import type { PullPolicy } from "../settings/settings.ts";
import { accept, type Decision, refuse, type Verdict } from "./decision.ts";
import { quoted } from "./quoted.ts";

const POLICIES: readonly PullPolicy[] = ["always", "if-not-present", "never"];

/** Who asks for pull policies: a job in its `image:`, or an admin for `runner_image`. */
export type PullPolicyWish =
  | { readonly by: "job"; readonly words: readonly string[] }
  | { readonly by: "admin"; readonly words: readonly string[] };

/**
 * The pull policies of an image, to be tried one after the other until one succeeds; `always` when none is asked
 * for. An unknown word is the fault of the one who wrote it.
 */
export function choosePullPolicies(wish: PullPolicyWish): Verdict<readonly Decision<PullPolicy>[]> {
  const isJob = wish.by === "job";
  const from = isJob ? "image: pull_policy" : "[general.charliecloud] runner_pull_policy";
  const because = isJob ? "the job asks for it" : "the configuration asks for it";
  if (wish.words.length === 0) {
    return accept([{ choice: "always", because: "nothing else is asked for", from }]);
  }
  const decisions: Decision<PullPolicy>[] = [];
  for (const word of wish.words) {
    const choice = POLICIES.find((policy) => policy === word);
    if (choice === undefined) {
      const message = `Cannot use the pull policy ${quoted(word)} of ${from}: wanted one of ${POLICIES.join(", ")}`;
      return refuse(isJob ? "user" : "admin", message, from);
    }
    decisions.push({ choice, because, from });
  }
  return accept(decisions);
}

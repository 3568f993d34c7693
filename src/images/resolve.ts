import type { KnownReference } from "../cache/refs.ts";
import { PUBLIC } from "../cache/refs.ts";
import type { Log } from "../host/log.ts";
import { accept, type Refusal, type Verdict } from "../plan/decision.ts";
import type { RegistryClient, RegistryFailure } from "../registry/types.ts";
import { explainRegistry } from "./failures.ts";
import type { ImageOrder } from "./order.ts";

/** What resolving asks of the cache. */
export interface Known {
  readonly recall: () => KnownReference | undefined;
  readonly remember: (digest: string) => void;
  /** Whether the cache has the image of this digest. */
  readonly has: (digest: string) => Promise<boolean>;
}

export interface Resolved {
  readonly digest: string;
  /** One clause for the job log. */
  readonly because: string;
}

/** After these the registry itself has said no, and no older answer counts any more. */
const FINAL: ReadonlySet<RegistryFailure> = new Set([
  "denied",
  "missing",
  "unsuitable",
  "cancelled",
]);

/**
 * Finds the digest that a reference stands for, by the job's pull policies in their order. An image that the registry does
 * not grant is refused, also when the cache has it: what is used without asking was granted to the same project before, or
 * needs no account.
 */
export async function resolveDigest(
  order: ImageOrder,
  known: Known,
  registry: Pick<RegistryClient, "resolve">,
  log: Log,
): Promise<Verdict<Resolved>> {
  const refusals: Refusal[] = [];
  /** A registry that did not answer is not asked again by the next policy. */
  let silent = false;
  for (const policy of order.policies) {
    const before = refusals.at(-1);
    if (before) log.warn(`${before.message}; trying pull policy "${policy.choice}"`);
    // Without a registry to ask, the last answer is as fresh as it gets.
    if (policy.choice !== "always" || order.asked.choice === "none") {
      const last = await usable(order, known);
      if (last !== undefined) {
        const age = ago(Date.now() - last.at);
        const because = `pull policy "${policy.choice}", resolved ${age} ago`;
        return accept({ digest: last.digest, because });
      }
    }
    if (policy.choice === "never") {
      const why = `pull policy "never" (${policy.from}), and the image cache does not hold it for this project`;
      refusals.push({
        fault: order.origin.fault,
        message: `cannot use image ${order.reference}: ${why}`,
        from: policy.from,
      });
      continue;
    }
    if (silent) continue;
    const answer = await ask(order, registry);
    if (answer.ok) {
      known.remember(answer.digest);
      return accept({ digest: answer.digest, because: `pull policy "${policy.choice}"` });
    }
    if (answer.isFinal) return { ok: false, refusal: answer.refusal };
    refusals.push(answer.refusal);
    silent = true;
  }
  const [first] = refusals;
  if (first === undefined) throw new Error("no pull policy was given");
  // Why the registry did not answer says more than that a policy wants nothing of it.
  const registryRefusal = refusals.find(({ from }) =>
    order.policies.every((one) => one.from !== from),
  );
  return { ok: false, refusal: registryRefusal ?? first };
}

async function usable(order: ImageOrder, known: Known): Promise<KnownReference | undefined> {
  const last = known.recall();
  if (last === undefined) return undefined;
  const granted = last.grants.includes(PUBLIC) || last.grants.includes(order.grant);
  return granted && (await known.has(last.digest)) ? last : undefined;
}

type Asked =
  | { readonly ok: true; readonly digest: string }
  | { readonly ok: false; readonly isFinal: boolean; readonly refusal: Refusal };

async function ask(order: ImageOrder, registry: Pick<RegistryClient, "resolve">): Promise<Asked> {
  const { asked, reference } = order;
  if (asked.choice === "none") {
    const message = `cannot pull ${reference}: ${asked.because} (${asked.from})`;
    return { ok: false, isFinal: false, refusal: { fault: "admin", message, from: asked.from } };
  }
  const answer = await registry.resolve(order.target);
  if (answer.ok) return { ok: true, digest: answer.value.digest };
  const refusal = explainRegistry(answer.failure, answer.said, order);
  return { ok: false, isFinal: FINAL.has(answer.failure), refusal };
}

/** A span for people: `40 s`, `12 min`, `5 h`, `3 d`. */
function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} d`;
}

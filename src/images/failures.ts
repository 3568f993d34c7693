import type { Refusal } from "../plan/decision.ts";
import { explainPull, type PullProblem } from "../plan/pull-refusal.ts";
import type { RegistryFailure } from "../registry/types.ts";
import type { ImageOrder } from "./order.ts";

type Asked = Pick<ImageOrder, "reference" | "origin" | "target" | "anonymous">;

const PROBLEMS: Readonly<Record<RegistryFailure, PullProblem>> = {
  denied: "denied",
  missing: "denied",
  unsuitable: "unsuitable",
  limited: "unreachable",
  unreachable: "unreachable",
  untrusted: "untrusted",
  "no-tls": "no-tls",
  "no-space": "no-space",
  cancelled: "cancelled",
  corrupt: "other",
  other: "other",
};

/** What a registry's failure means for the job: whose fault it is, and what to change. */
export function explainRegistry(failure: RegistryFailure, said: string, order: Asked): Refusal {
  const { reference, origin, target, anonymous } = order;
  const wanted = failure === "unsuitable" ? "; wanted: an image for this host's architecture" : "";
  return explainPull(PROBLEMS[failure], `${said}${wanted}`, {
    reference,
    registry: target.registry,
    origin,
    anonymous,
    placeKey: "[general.charliecloud.cache] dir",
  });
}

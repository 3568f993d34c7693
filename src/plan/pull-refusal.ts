import type { Refusal } from "./decision.ts";

/** Why an image could not be pulled, by who can do something about it. */
export type PullProblem =
  | "denied"
  | "unsuitable"
  | "unreachable"
  | "untrusted"
  | "no-tls"
  | "no-space"
  | "cancelled"
  | "other";

/** `Refusal.from` of a pull that the runner stopped. */
export const CANCELLED = "signal";

export interface PulledImage {
  readonly reference: string;
  /** `host[:port]` that was asked. */
  readonly registry: string;
  /** Who chose the image, and the key that says so. */
  readonly origin: { readonly fault: "user" | "admin"; readonly from: string };
  /** Whether it was asked without an account. */
  readonly anonymous: boolean;
  /** The key that puts images on another file system. */
  readonly placeKey: string;
}

/** Says in one line what went wrong with a pull and what to change. `said` is what the registry or a program said. */
export function explainPull(problem: PullProblem, said: string, image: PulledImage): Refusal {
  const { reference, registry, origin } = image;
  const pull = `cannot pull ${reference}`;
  switch (problem) {
    case "denied":
      return denied(said, image);
    case "unsuitable":
      return { ...origin, message: `cannot use ${reference}: ${said}` };
    case "unreachable":
      return refusal(
        "system",
        "registry",
        `${pull}: ${registry} does not answer, or not with the image (${said})`,
      );
    case "no-tls":
      return refusal(
        "admin",
        "registry",
        `${pull}: ${registry} speaks plain HTTP (${said}); wanted: a registry with TLS`,
      );
    case "untrusted":
      return refusal(
        "admin",
        "registry",
        `${pull}: the TLS certificate of ${registry} is not trusted (${said}); ` +
          "set REQUESTS_CA_BUNDLE in [general] user_bash_env or install its CA on this host",
      );
    case "no-space":
      return refusal("system", image.placeKey, `cannot store ${reference}: ${said}`);
    case "cancelled":
      return refusal("system", CANCELLED, `pulling ${reference} was cancelled`);
    case "other":
      return refusal("system", "registry", `${pull}: ${said}`);
  }
}

/** Registries answer alike for what there is not and for what somebody may not see. */
function denied(said: string, { reference, registry, origin, anonymous }: PulledImage): Refusal {
  const variables = "the CI/CD variables CH_IMAGE_USERNAME and CH_IMAGE_PASSWORD";
  const forUser = anonymous
    ? `it may not be pulled without an account: set ${variables}`
    : `this account may not pull it: set or correct ${variables}`;
  const forAdmin =
    "the job's account may not pull it: an image of the site must be open to every job, whose own variables are not used for it";
  const message =
    `cannot pull ${reference} (${origin.from}) from ${registry}: ${said}. ` +
    `Either there is no such image: check its name and tag; or ${origin.fault === "user" ? forUser : forAdmin}`;
  return { ...origin, message };
}

function refusal(fault: Refusal["fault"], from: string, message: string): Refusal {
  return { fault, from, message };
}

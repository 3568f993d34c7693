import { CANCELLED } from "../charliecloud/pull.ts";
import type { Refusal } from "../plan/decision.ts";
import type { RegistryFailure } from "../registry/types.ts";
import type { ImageOrder } from "./order.ts";

type Asked = Pick<ImageOrder, "reference" | "origin" | "asked" | "target" | "anonymous">;

/** What a registry's failure means for the job: whose fault it is, and what to change. */
export function explainRegistry(failure: RegistryFailure, said: string, order: Asked): Refusal {
  const { reference, origin, target } = order;
  const pull = `cannot pull ${reference}`;
  switch (failure) {
    case "denied":
    case "missing":
      return denied(said, order);
    case "unsuitable":
      return {
        fault: origin.fault,
        from: origin.from,
        message: `cannot use ${reference}: ${said}; wanted: an image for this host's architecture`,
      };
    case "no-tls":
      return refused(
        "admin",
        "registry",
        `${pull}: ${target.registry} speaks plain HTTP (${said}); wanted: a registry with TLS`,
      );
    case "untrusted":
      return refused(
        "admin",
        "registry",
        `${pull}: the TLS certificate of ${target.registry} is not trusted (${said}); ` +
          "set REQUESTS_CA_BUNDLE in [general] user_bash_env or install its CA on this host",
      );
    case "no-space":
      return refused(
        "system",
        "[general.charliecloud.cache] dir",
        `cannot store ${reference}: ${said}`,
      );
    case "cancelled":
      return refused("system", CANCELLED, `pulling ${reference} was cancelled`);
    case "unreachable":
    case "limited":
      return refused(
        "system",
        "registry",
        `${pull}: ${target.registry} does not answer, or not with the image (${said})`,
      );
    case "corrupt":
    case "other":
      return refused("system", "registry", `${pull}: ${said}`);
  }
}

/** Registries answer in the same way for what there is not and for what somebody may not see. */
function denied(said: string, { reference, origin, target, anonymous }: Asked): Refusal {
  const variables = "the CI/CD variables CH_IMAGE_USERNAME and CH_IMAGE_PASSWORD";
  const forUser = anonymous
    ? `it may not be pulled without an account: set ${variables}`
    : `this account may not pull it: set or correct ${variables}`;
  const forAdmin =
    "the job's account may not pull it: an image of the site must be open to every job, whose own variables are not used for it";
  return {
    fault: origin.fault,
    from: origin.from,
    message:
      `cannot pull ${reference} (${origin.from}) from ${target.registry}: ${said}. ` +
      `Either there is no such image: check its name and tag; or ${origin.fault === "user" ? forUser : forAdmin}`,
  };
}

function refused(fault: Refusal["fault"], from: string, message: string): Refusal {
  return { fault, message, from };
}

import type { Decision, Refusal } from "../plan/decision.ts";
import { faultOf } from "./container-plan.ts";

/** Why a container does not start that starts without the job's own options. `said` is what ch-run said. */
export function explainUserFailure(image: Decision<string>, said: string): Refusal {
  return {
    fault: "user",
    message: `cannot start a container of ${image.choice} with the job's own options (JACAMAR_CI_CHARLIECLOUD_ARGS or volumes): ${said}`,
    from: "JACAMAR_CI_CHARLIECLOUD_ARGS",
  };
}

/** Why a container does not start at all: its image, this host, or the site's options. */
export function explainFailure(image: Decision<string>, said: string): Refusal {
  if (/can.t exec(ve\(2\))?: |Exec format error/.test(said)) {
    return {
      fault: faultOf(image),
      message: `image ${image.choice} cannot run /bin/sh (${said}); wanted: an image with a shell, for this host's architecture`,
      from: image.from,
    };
  }
  const hint = HINTS.find(([pattern]) => pattern.test(said))?.[1];
  return {
    fault: "admin",
    message: `cannot start a container of ${image.choice}: ${said}${hint === undefined ? "" : `; ${hint}`}`,
    from: "[general.charliecloud] custom_options",
  };
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /user\+mount namespaces/,
    "unprivileged user namespaces are off or used up on this host (sysctl user.max_user_namespaces; ch-checkns shows more)",
  ],
  [
    /tmpfs for overlay|can.t overlay/,
    "--write-fake needs a kernel that lets users mount an overlay (5.11 or later) and a directory /srv on this host",
  ],
  [
    /can.t bind: source not found/,
    "with --write-fake, nothing below /srv can be bound, also through a link",
  ],
];

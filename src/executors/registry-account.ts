import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { Account } from "../charliecloud/pull-environment.ts";
import type { ContainerWork } from "./container-work.ts";

const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
] as const;

/** The account that the plan chose, with its password. */
export function accountOf({ container, job, secrets }: ContainerWork): Account | undefined {
  const { choice, registry, username = "" } = container.credentials;
  const password =
    choice === "variables" ? job.variables["CH_IMAGE_PASSWORD"] : secrets.passwords[registry];
  return choice === "none" || password === undefined ? undefined : { username, password };
}

/**
 * A file with the CA of the runner's GitLab, which counts for GitLab's own registry only, beside the CAs that are trusted
 * anyway.
 */
export function caBundle(work: ContainerWork): string | undefined {
  const { container, job, facts, directory } = work;
  const isOwn = job.registries.some(({ host }) => host === container.credentials.registry);
  if (job.serverCa === undefined || !isOwn) return undefined;
  const trusted = [
    facts.login["REQUESTS_CA_BUNDLE"],
    facts.login["CURL_CA_BUNDLE"],
    ...SYSTEM_BUNDLES,
  ];
  // REQUESTS_CA_BUNDLE may also be a directory, which cannot be added to.
  const present = trusted.find(
    (path) => path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
  const file = `${directory}/registry-ca.pem`;
  writeFileSync(file, `${present ? readFileSync(present, "utf8") : ""}\n${job.serverCa}\n`, {
    mode: 0o600,
  });
  return file;
}

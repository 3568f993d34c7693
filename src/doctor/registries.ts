import { siteRegistry } from "../executors/site.ts";
import { createLog } from "../host/log.ts";
import type { DefaultRegistry } from "../plan/default-registry.ts";
import { chooseMirror } from "../plan/mirror.ts";
import { parseReference } from "../plan/reference.ts";
import { pingRegistry } from "../registry/ping.ts";
import { imageTarget } from "../registry/target.ts";
import type { Answered } from "../registry/types.ts";
import { canonicalRegistry, parseRegistryPrefix } from "../settings/registry-prefix.ts";
import type { Settings } from "../settings/settings.ts";
import { type Finding, fail, merged, ok, type Probe, warn } from "./finding.ts";
import { usesContainers } from "./tools.ts";

const PATIENCE_MILLISECONDS = 10_000;

/** A registry that the configuration names, and where. */
export interface NamedRegistry {
  /** `host[:port]` that is asked. */
  readonly host: string;
  readonly from: string;
  /** Jobs that name no image of their own need it. */
  readonly needed: boolean;
}

/** Every registry that the configuration names, once; of the allowlist those whose pattern is a plain host. */
export function namedRegistries(settings: Settings): readonly NamedRegistry[] {
  const { charliecloud, general } = settings;
  const fallback = siteRegistry(settings);
  const { mirrors, offline, image_allowlist: patterns = [] } = charliecloud;
  const table = "[general.charliecloud]";
  const images = [
    ["runner_image", charliecloud.runner_image],
    ["default_image", general.force_mechanism ? charliecloud.default_image : undefined],
  ] as const;
  const unnamed = fallback && hostOf("debian", charliecloud, fallback);
  const found: NamedRegistry[] = [
    ...(unnamed ? [{ host: unnamed, from: "[general] user_bash_env", needed: true }] : []),
    ...images.flatMap(([key, image]) => {
      const host = image === undefined ? undefined : hostOf(image, charliecloud, fallback);
      return host === undefined ? [] : [{ host, from: `${table} ${key}`, needed: true }];
    }),
    ...mirrors.flatMap(({ mirror }) => {
      const host = parseRegistryPrefix(mirror)?.host;
      const from = "[[general.charliecloud.mirror]]";
      return host === undefined ? [] : [{ host, from, needed: true }];
    }),
    ...patterns.flatMap((pattern) => {
      const host = plainHost(pattern);
      if (host === undefined || offline || isMirrored(host, charliecloud)) return [];
      return [{ host: apiHost(host), from: `${table} image_allowlist`, needed: false }];
    }),
  ];
  return found.filter(({ host }, at) => found.findIndex((one) => one.host === host) === at);
}

type Sources = Parameters<typeof chooseMirror>[1];

function hostOf(
  image: string,
  sources: Sources,
  fallback: DefaultRegistry | undefined,
): string | undefined {
  const reference = parseReference(image, undefined, fallback);
  if (!reference.ok) return undefined;
  const { choice, mirror } = chooseMirror(reference.value, sources);
  if (choice === "none") return undefined;
  return imageTarget(reference.value, mirror?.prefix).registry;
}

function isMirrored(host: string, sources: Sources): boolean {
  const canonical = `${canonicalRegistry(host)}/any:latest`;
  return chooseMirror({ canonical }, sources).choice === "mirror";
}

/** Docker Hub answers under another name than its images have. */
function apiHost(host: string): string {
  if (canonicalRegistry(host) !== "docker.io") return host;
  return imageTarget({ canonical: "docker.io/any:latest", tag: "latest" }).registry;
}

/** The host that a pattern of the allowlist begins with; undefined where it is no plain text up to a slash. */
export function plainHost(pattern: string): string | undefined {
  const written = /^\^?((?:[A-Za-z0-9-]|\\?\.|:)+)(?:\/|$)/
    .exec(pattern)?.[1]
    ?.replaceAll("\\", "");
  return written === undefined ? undefined : parseRegistryPrefix(written)?.host;
}

export const registriesProbe: Probe = {
  id: "registries",
  title: "registries",
  run: async (context) => {
    if (!usesContainers(context)) return ok("not needed: [general] run_mechanism is not set");
    const { login, settings } = context;
    const registries = namedRegistries(settings);
    if (registries.length === 0) return ok("none asked: the configuration names none");
    const caBundle = login["REQUESTS_CA_BUNDLE"] ?? login["CURL_CA_BUNDLE"];
    const options = {
      ...(caBundle !== undefined && { caBundle }),
      proxies: login,
      log: createLog({ info: 2 }),
      signal: new AbortController().signal,
      deadline: Date.now() + PATIENCE_MILLISECONDS,
    };
    const findings = registries.map(async (registry) =>
      judgeRegistry(registry, await pingRegistry(registry.host, options)),
    );
    return merged(await Promise.all(findings));
  },
};

const FIXES: Readonly<Record<string, string>> = {
  untrusted:
    "REQUESTS_CA_BUNDLE=FILE with its CA in [general] user_bash_env, or the CA in the system's store",
  "no-tls": "TLS for it: the driver never pulls without",
  unreachable: "https_proxy in [general] user_bash_env or the profile; a mirror",
};

export function judgeRegistry(
  { host, from, needed }: NamedRegistry,
  answer: Answered<{ readonly login: "none" | "basic" | "token" }>,
): Finding {
  if (answer.ok) {
    const { login } = answer.value;
    return ok(`${host} answers${login === "none" ? "" : `, wants a login (${login})`}`);
  }
  const problem = needed || answer.failure === "untrusted" ? fail : warn;
  return problem(
    answer.said,
    `images of ${host} (${from}) can be taken from the cache alone`,
    FIXES[answer.failure] ?? `the name in ${from}`,
  );
}

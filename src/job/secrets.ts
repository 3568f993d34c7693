import type { RegistryAccount } from "./job.ts";
import type { Payload } from "./payload.ts";

type Variables = Readonly<Record<string, string>>;

/** A registry account together with its secret; the two part before a job leaves this room. */
export interface PasswordedAccount extends RegistryAccount {
  readonly password: string;
}

/** The user that a registry of GitLab expects together with a job token. */
const TOKEN_USER = "gitlab-ci-token";

/** Shorter values would turn half of a log into stars and are no secrets. */
const SHORTEST_SECRET = 4;

const SECRET_VARIABLES = [
  "CI_JOB_TOKEN",
  "CI_REGISTRY_PASSWORD",
  "CI_DEPENDENCY_PROXY_PASSWORD",
  "CI_DEPLOY_PASSWORD",
  "CH_IMAGE_PASSWORD",
] as const;

/**
 * The accounts that GitLab gave the job: `credentials` of the payload, then the registry of its own GitLab with
 * the job token. Each `host[:port]` once, the first wins.
 */
export function registryAccounts(
  payload: Payload | undefined,
  variables: Variables,
): readonly PasswordedAccount[] {
  const found = new Map<string, PasswordedAccount>();
  for (const { type, url, username, password } of payload?.credentials ?? []) {
    const host = hostOf(url);
    const usable = type.toLowerCase() === "registry" && username !== "" && password !== "";
    if (usable && host !== undefined && !found.has(host)) {
      found.set(host, { host, username, from: "credentials", password });
    }
  }
  const host = hostOf(ownRegistry(payload, variables));
  const token = payload?.token || variables["CI_JOB_TOKEN"] || "";
  if (host !== undefined && token !== "" && !found.has(host)) {
    found.set(host, { host, username: TOKEN_USER, from: "CI_REGISTRY", password: token });
  }
  return [...found.values()];
}

/** The first `CI_REGISTRY` is GitLab's own: a later one is the user's and must not attract the token. */
function ownRegistry(payload: Payload | undefined, variables: Variables): string {
  if (payload === undefined) {
    return variables["CI_REGISTRY"] ?? "";
  }
  return payload.variables.find(({ key }) => key === "CI_REGISTRY")?.value ?? "";
}

/** `host[:port]` of what may be a URL; `undefined` when there is none. */
function hostOf(url: string): string | undefined {
  const host = url.replace(/^https?:\/\//i, "").replace(/\/.*$/s, "");
  return /^[A-Za-z0-9][A-Za-z0-9._-]*(?::\d{1,5})?$/.test(host) ? host : undefined;
}

/** Names of variables whose value is a secret; not all of them are set in every job. */
export function secretNames(payload: Payload | undefined): readonly string[] {
  const masked = payload?.variables.filter((variable) => variable.masked) ?? [];
  return [...SECRET_VARIABLES, ...masked.map(({ key }) => key), ...(payload?.secretNames ?? [])];
}

/**
 * Every value that must not reach a log, and each line of the longer ones. Longest first, so that a secret which
 * contains another one disappears as a whole.
 */
export function redactions(payload: Payload | undefined, variables: Variables): readonly string[] {
  const masked = payload?.variables.filter((variable) => variable.masked) ?? [];
  const names = secretNames(payload);
  const values = [
    payload?.token ?? "",
    ...(payload?.credentials.map(({ password }) => password) ?? []),
    ...(payload?.dependencies.map(({ token }) => token) ?? []),
    ...masked.map(({ value }) => value),
    ...names.map((name) => (Object.hasOwn(variables, name) ? (variables[name] ?? "") : "")),
  ];
  const lines = values.flatMap((value) => value.split(/\r?\n/).map((line) => line.trim()));
  const unique = new Set([...values, ...lines].filter((value) => value.length >= SHORTEST_SECRET));
  return [...unique].sort((a, b) => b.length - a.length);
}

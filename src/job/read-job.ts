import { expandVariables } from "./expand.ts";
import type { Job, JobImage, RegistryAccount, Secrets } from "./job.ts";
import { type Payload, parsePayload } from "./payload.ts";
import { type PasswordedAccount, redactions, registryAccounts } from "./secrets.ts";
import { type UserScript, userScript } from "./user-script.ts";

export type JobReading =
  | {
      readonly ok: true;
      readonly job: Job;
      readonly secrets: Secrets;
      readonly script?: UserScript;
    }
  | { readonly ok: false; readonly message: string };

type Variables = Readonly<Record<string, string>>;

const PREFIX = "CUSTOM_ENV_";

/**
 * Makes a job of a hook's environment and, where the runner gives one, the text of `JOB_RESPONSE_FILE`
 * (`undefined`: a runner before 14.1, so `CUSTOM_ENV_*` decides). Fails only on a payload that is not one JSON
 * object; the message never repeats content.
 */
export function readJob(
  env: Readonly<Record<string, string | undefined>>,
  payloadText: string | undefined,
): JobReading {
  const variables = ciVariables(env);
  if (payloadText === undefined) {
    return reading(undefined, variables);
  }
  const parsed = parsePayload(payloadText);
  return parsed.ok ? reading(parsed.payload, variables) : parsed;
}

function reading(payload: Payload | undefined, variables: Variables): JobReading {
  const accounts = registryAccounts(payload, variables);
  const script = userScript(payload);
  return {
    ok: true,
    job: jobOf(payload, variables, accounts.map(withoutPassword)),
    secrets: {
      redact: redactions(payload, variables),
      passwords: Object.fromEntries(accounts.map(({ host, password }) => [host, password])),
    },
    ...(script && { script }),
  };
}

function jobOf(
  payload: Payload | undefined,
  variables: Variables,
  registries: readonly RegistryAccount[],
): Job {
  const image = jobImage(payload, variables);
  const serverCa = runnerCa(payload, variables);
  return {
    id: positive(payload?.id) ?? positive(variables["CI_JOB_ID"]) ?? "0",
    name: payload?.name ?? variables["CI_JOB_NAME"] ?? "",
    source: payload === undefined ? "environment" : "payload",
    project: {
      id: payload?.projectId ?? positive(variables["CI_PROJECT_ID"]) ?? "0",
      name: payload?.projectName ?? variables["CI_PROJECT_NAME"] ?? "",
    },
    timeout: timeoutOf(payload, variables),
    uses: {
      artifacts:
        payload !== undefined &&
        (payload.hasArtifacts || payload.dependencies.some(({ file }) => file !== "")),
      cache: payload?.hasCache ?? false,
    },
    traceSections: payload?.traceSections ?? false,
    registries,
    concurrentId: concurrentIdOf(variables),
    variables,
    ...(image === undefined ? {} : { image }),
    ...(serverCa === undefined ? {} : { serverCa }),
  };
}

function withoutPassword({ host, username, from }: PasswordedAccount): RegistryAccount {
  return { host, username, from };
}

function ciVariables(env: Readonly<Record<string, string | undefined>>): Variables {
  const entries: [string, string][] = [];
  for (const [key, value] of Object.entries(env)) {
    if (key.startsWith(PREFIX) && value !== undefined) {
      entries.push([key.slice(PREFIX.length), value]);
    }
  }
  return Object.fromEntries(entries);
}

function jobImage(payload: Payload | undefined, variables: Variables): JobImage | undefined {
  if (payload === undefined) {
    const name = variables["CI_JOB_IMAGE"] ?? "";
    return name === "" ? undefined : { name, pullPolicy: [] };
  }
  // Runners expand `image:` themselves, but not every version does so before it writes the payload.
  const name = expandVariables(payload.image.name, variables);
  if (name === "") {
    return undefined;
  }
  const { pullPolicy, entrypoint } = payload.image;
  return { name, pullPolicy, ...(entrypoint === undefined ? {} : { entrypoint }) };
}

/** GitLab's meaning of "no limit" is the runner's default of two hours. */
function timeoutOf(payload: Payload | undefined, variables: Variables): number {
  const given = variables["CI_JOB_TIMEOUT"] ?? "";
  const seconds = payload?.timeout ?? (/^-?\d{1,9}$/.test(given) ? Number(given) : 3600);
  return seconds > 0 ? seconds : 7200;
}

function runnerCa(payload: Payload | undefined, variables: Variables): string | undefined {
  const key = "CI_SERVER_TLS_CA_FILE";
  const replaced = payload?.variables.some((variable) => variable.key === key) ?? false;
  const pem = variables[key] ?? "";
  return !replaced && pem.includes("-----BEGIN CERTIFICATE-----") ? pem : undefined;
}

function concurrentIdOf(variables: Variables): number {
  const given = variables["CI_CONCURRENT_ID"] ?? "";
  return /^\d{1,3}$/.test(given) ? Number(given) : 0;
}

/** Digits of an id above zero, without leading zeros; these end up in paths. */
function positive(digits: string | undefined): string | undefined {
  const found = /^0*([1-9]\d{0,18})$/.exec(digits ?? "");
  return found?.[1];
}

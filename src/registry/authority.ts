import { registerSecrets } from "../host/redact.ts";
import { quoted } from "../plan/quoted.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { exchange, type Transport } from "./exchange.ts";
import { parseObject, text } from "./manifest.ts";
import { failed, final, type Outcome, statusProblem } from "./problem.ts";
import type { ImageTarget, RegistryOptions } from "./types.ts";

/** Life of a token that does not say how long it lives, in seconds (the distribution project's token specification). */
const DEFAULT_LIFE = 60;
/** A token is renewed this many seconds before its end, because clocks differ. */
const MARGIN = 10;
const LARGEST_ANSWER = 1024 * 1024;

/** Keeps the `Authorization` of each repository and gets new ones. */
export interface Authority {
  /** What is known to be wanted; undefined: try without. */
  readonly current: (target: ImageTarget) => string | undefined;
  /** Meets the challenge of a 401 to a request that had `used`. */
  readonly obtain: (
    target: ImageTarget,
    challenge: string,
    used: string | undefined,
  ) => Promise<Outcome<string>>;
}

interface Kept {
  readonly header: string;
  readonly expires: number;
}

export function createAuthority(
  transport: Transport,
  account: RegistryOptions["account"],
): Authority {
  const kept = new Map<string, Kept>();
  const running = new Map<string, Promise<Outcome<Kept>>>();
  const basic = account && basicHeader(account);
  if (account && basic !== undefined) registerSecrets([account.password, basic.slice(6)]);

  const current = (target: ImageTarget) => {
    const found = kept.get(keyOf(target));
    return found && found.expires > transport.now() ? found.header : undefined;
  };
  const obtain: Authority["obtain"] = async (target, challenge, used) => {
    const key = keyOf(target);
    const newer = current(target);
    if (newer !== undefined && newer !== used) return { ok: true, value: newer };
    // Layers are fetched side by side; one token serves them all.
    const asking = running.get(key) ?? meet(transport, target, challenge, basic, account?.username);
    running.set(key, asking);
    const outcome = await asking.finally(() => running.delete(key));
    if (!outcome.ok) return outcome;
    kept.set(key, outcome.value);
    return { ok: true, value: outcome.value.header };
  };
  return { current, obtain };
}

function keyOf({ registry, repository }: ImageTarget): string {
  return `${registry}/${repository}`;
}

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

async function meet(
  transport: Transport,
  target: ImageTarget,
  header: string,
  basic: string | undefined,
  username: string | undefined,
): Promise<Outcome<Kept>> {
  const challenges = parseChallenges(header);
  const bearer = challenges.find(({ scheme }) => scheme === "bearer");
  if (bearer) return token(transport, target, bearer, basic, username);
  const { registry } = target;
  if (!challenges.some(({ scheme }) => scheme === "basic"))
    return final("other", `${registry} wants a login of an unknown kind: ${quoted(header)}`);
  if (basic === undefined)
    return final("denied", `${registry} wants an account, and there is none`);
  return { ok: true, value: { header: basic, expires: Number.POSITIVE_INFINITY } };
}

/** Trades the account, or none, for a token at the service that the registry names. */
async function token(
  transport: Transport,
  target: ImageTarget,
  { parameters }: Challenge,
  basic: string | undefined,
  username: string | undefined,
): Promise<Outcome<Kept>> {
  const realm = parameters["realm"] ?? "";
  if (!URL.canParse(realm))
    return final("other", `${target.registry} names no token service: ${quoted(realm)}`);
  const url = new URL(realm);
  if (url.protocol !== "https:")
    return final("no-tls", `the token service ${quoted(realm)} of ${target.registry} has no TLS`);
  if (parameters["service"] !== undefined) url.searchParams.set("service", parameters["service"]);
  const scopes = (parameters["scope"] ?? `repository:${target.repository}:pull`).split(/\s+/);
  for (const scope of scopes) url.searchParams.append("scope", scope);

  const request = { method: "GET", url, headers: {}, authorization: basic } as const;
  return exchange(transport, request, async (answer) => {
    const body = (await answer.bytes(LARGEST_ANSWER))?.toString() ?? "";
    if (answer.status !== 200) {
      const problem = statusProblem(answer.what, answer, body, transport.now());
      const who =
        basic === undefined ? "an anonymous pull" : `the account ${quoted(username ?? "")}`;
      return failed(
        problem.failure === "denied"
          ? { ...problem, said: `${problem.said} to ${who}` }
          : // A missing token service is no missing image.
            { ...problem, failure: problem.failure === "missing" ? "other" : problem.failure },
      );
    }
    return readToken(answer.what, body, transport.now());
  });
}

function readToken(what: string, body: string, now: number): Outcome<Kept> {
  const document = parseObject(body);
  const value = text(document?.["token"]) || text(document?.["access_token"]);
  if (value === "") return final("other", `${what} answered without a token`);
  if (!/^[\x21-\x7e]+$/.test(value)) return final("other", `${what} answered with a strange token`);
  registerSecrets([value]);
  const said = document?.["expires_in"];
  const life = typeof said === "number" && said > 0 ? said : DEFAULT_LIFE;
  return {
    ok: true,
    value: { header: `Bearer ${value}`, expires: now + Math.max(1, life - MARGIN) * 1000 },
  };
}

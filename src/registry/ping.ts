import { parseChallenges } from "./challenge.ts";
import { exchange } from "./exchange.ts";
import { final, statusProblem } from "./problem.ts";
import { createSession } from "./session.ts";
import { trustedAuthorities } from "./trust.ts";
import type { Answered, RegistryOptions } from "./types.ts";

/** Longest error that is read. */
const LARGEST_ANSWER = 64 * 1024;

/** How a registry wants to be logged in to. */
export interface Pinged {
  readonly login: "none" | "basic" | "token";
}

/**
 * Asks a registry's `/v2/` once, without an account: whether it can be reached, has a certificate that is trusted, and
 * speaks the distribution API.
 */
export async function pingRegistry(
  host: string,
  options: RegistryOptions,
): Promise<Answered<Pinged>> {
  const authorities = trustedAuthorities(options.caBundle);
  if (!authorities.ok) return told(authorities.problem);
  const { transport } = createSession(options, authorities.value);
  const url = new URL(`https://${host}/v2/`);
  const request = { method: "GET", url, headers: {} } as const;
  const outcome = await exchange<Pinged>(transport, request, async (answer) => {
    const body = await answer.bytes(LARGEST_ANSWER);
    const challenges = parseChallenges(answer.headers.get("www-authenticate") ?? "");
    const isApi = answer.headers.get("docker-distribution-api-version") !== null;
    const schemes = challenges.map(({ scheme }) => scheme);
    if (answer.status === 401 && schemes.length > 0)
      return { ok: true, value: { login: schemes.includes("bearer") ? "token" : "basic" } };
    if (answer.status === 200 && (isApi || body?.toString().trim() === "{}"))
      return { ok: true, value: { login: "none" } };
    if (answer.status === 200) return final("other", `${answer.what} answered, but is no registry`);
    const text = body?.toString() ?? "";
    return { ok: false, problem: statusProblem(answer.what, answer, text, transport.now()) };
  });
  return outcome.ok ? outcome : told(outcome.problem);
}

function told({
  failure,
  said,
}: {
  readonly failure: Extract<Answered<never>, { ok: false }>["failure"];
  readonly said: string;
}): Answered<never> {
  return { ok: false, failure, said };
}

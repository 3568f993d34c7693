import { quoted } from "../plan/quoted.ts";
import { type Authority, createAuthority } from "./authority.ts";
import { type Answer, exchange, type Request, type Transport } from "./exchange.ts";
import { final, type Outcome, statusProblem } from "./problem.ts";
import { nextTry } from "./retry.ts";
import { sleepUnless } from "./sleep.ts";
import type { Answered, ImageTarget, Limits, RegistryOptions } from "./types.ts";

/** The longest error that is read. */
const LARGEST_ERROR = 64 * 1024;

const LIMITS: Limits = {
  attempts: 6,
  answer: 60_000,
  stallWindow: 60_000,
  stallBytes: 60_000,
};

/** What all requests of a client share. */
export interface Session {
  readonly transport: Transport;
  readonly authority: Authority;
  readonly options: RegistryOptions;
}

export function createSession(options: RegistryOptions, authorities: readonly string[]): Session {
  const transport: Transport = {
    authorities,
    proxies: options.proxies,
    signal: options.signal,
    deadline: options.deadline,
    now: options.now ?? Date.now,
    limits: { ...LIMITS, ...options.limits },
  };
  return { transport, authority: createAuthority(transport, options.account), options };
}

/** One request to the API of the target's registry, with a login if it wants one; a second 401 goes to `consume`. */
export async function ask<T>(
  session: Session,
  target: ImageTarget,
  request: Pick<Request, "method" | "headers"> & { readonly path: string },
  consume: (answer: Answer) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const { transport, authority } = session;
  const { method, headers, path } = request;
  const address = `https://${target.registry}/v2/${target.repository}/${path}`;
  if (!URL.canParse(address)) return final("other", `${quoted(address)} is no address`);
  const url = new URL(address);
  const used = authority.current(target);
  let challenge: string | undefined;
  const first = await exchange<T>(
    transport,
    { method, url, headers, authorization: used },
    async (answer) => {
      if (answer.status !== 401 || answer.foreign) return consume(answer);
      challenge = answer.headers.get("www-authenticate") ?? "";
      await answer.bytes(LARGEST_ERROR);
      return final("denied", `${answer.what} answered 401`);
    },
  );
  if (challenge === undefined || challenge === "") return first;
  const authorization = await authority.obtain(target, challenge, used);
  if (!authorization.ok) return authorization;
  const again = { method, url, headers, authorization: authorization.value };
  return exchange(transport, again, consume);
}

/** The problem of an answer that is no success. */
export async function refusal<T>(session: Session, answer: Answer): Promise<Outcome<T>> {
  const body = (await answer.bytes(LARGEST_ERROR))?.toString() ?? "";
  return { ok: false, problem: statusProblem(answer.what, answer, body, session.transport.now()) };
}

/**
 * Tries until it succeeds or another try is of no use. `moved` tells whether the last try got further than those before
 * it, which begins the count anew.
 */
export async function insist<T>(
  session: Session,
  host: string,
  once: () => Promise<Outcome<T>>,
  moved: () => boolean = () => false,
): Promise<Answered<T>> {
  const { options, transport } = session;
  const { signal, deadline, now, limits } = transport;
  const { sleep = sleepUnless, random = Math.random, log } = options;
  for (let failures = 0; ; ) {
    if (signal.aborted) return { ok: false, failure: "cancelled", said: "it was cancelled" };
    const outcome = await once();
    if (outcome.ok) return outcome;
    const { problem } = outcome;
    failures = moved() ? 1 : failures + 1;
    const { attempts } = limits;
    const facts = { failed: failures, attempts, now: now(), deadline, random: random() };
    const next = nextTry(problem, facts);
    if ("stop" in next) {
      const said = next.stop === "" ? problem.said : `${problem.said}, ${next.stop}`;
      return { ok: false, failure: problem.failure, said };
    }
    const seconds = (next.wait / 1000).toFixed(next.wait < 10_000 ? 1 : 0);
    log.log(
      `Registry ${host}: ${problem.said}; next try in ${seconds} s (${failures + 1} of ${attempts})`,
    );
    await sleep(next.wait, signal);
  }
}

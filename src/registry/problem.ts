import { errorCode, errorMessage } from "../host/files.ts";
import { quoted } from "../plan/quoted.ts";
import { list, object, parseObject, text } from "./manifest.ts";
import { type Problem, retryAfter } from "./retry.ts";

/** The result of one try. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ETIMEDOUT: "the connection timed out",
  ENOTFOUND: "its name is not known here",
  EAI_AGAIN: "its name cannot be looked up now",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no route to it",
};

/** Codes of OpenSSL's verification, and of Node.js for a name that the certificate lacks. */
const CERTIFICATE = /CERT|SELF_SIGNED|VERIFY|ISSUER|ALTNAME|SIGNATURE|CRL/;

/** Says why a request brought no answer, or an answer that broke off. */
export function networkProblem(error: unknown, host: string, via: string | undefined): Problem {
  const code = errorCode(error);
  const place = via === undefined ? host : `${host} through the proxy ${via}`;
  if (CERTIFICATE.test(code)) {
    const why = `the TLS certificate of ${place} is not trusted (${code}: ${errorMessage(error)})`;
    return { failure: "untrusted", said: why, passing: false };
  }
  if (code === "EPROTO" || /WRONG_VERSION|SSL_PROTOCOL/.test(code)) {
    return { failure: "no-tls", said: `${place} does not speak TLS (${code})`, passing: false };
  }
  const known = UNREACHABLE[code];
  const detail = known === undefined ? errorMessage(error) : `${known} (${code})`;
  // Bun's words for a proxy that wants an account or forbids the host.
  const passing = !/refused to open a tunnel: 4/.test(detail);
  return { failure: "unreachable", said: `cannot talk to ${place}: ${detail}`, passing };
}

/** Says what an answer's status other than success means. `what` is `GET host/path`. */
export function statusProblem(
  what: string,
  answer: { readonly status: number; readonly headers: Headers; readonly foreign: boolean },
  body: string,
  now: number,
): Problem {
  const { status, headers, foreign } = answer;
  const said = `${what} answered ${status}${apiErrors(body)}`;
  const wait = retryAfter(headers.get("retry-after"), now);
  const later = { said, passing: true, ...(wait === undefined ? {} : { retryAfter: wait }) };
  if (status === 429) return { failure: "limited", ...later };
  if (status >= 500 || status === 408 || status === 425)
    return { failure: "unreachable", ...later };
  // The storage behind a registry knows no accounts: what it refuses is not the user's fault.
  if (!foreign && (status === 401 || status === 403))
    return { failure: "denied", said, passing: false };
  if (!foreign && status === 404) return { failure: "missing", said, passing: false };
  return { failure: "other", said, passing: false };
}

/** The errors of the distribution API (`{"errors": [{code, message}]}`), as ` ("CODE: message")`. */
function apiErrors(body: string): string {
  const errors = list(parseObject(body)?.["errors"]).map((error) => {
    const { code, message } = object(error) ?? {};
    return [text(code), text(message)].filter((part) => part !== "").join(": ");
  });
  return errors.length === 0 ? "" : ` (${quoted(errors.join("; "))})`;
}

export function failed<T>(problem: Problem): Outcome<T> {
  return { ok: false, problem };
}

/** Shorthand for a problem that no other try mends. */
export function final<T>(failure: Problem["failure"], said: string): Outcome<T> {
  return { ok: false, problem: { failure, said, passing: false } };
}

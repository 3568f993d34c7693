/** One scheme of a `WWW-Authenticate` header, e.g. `bearer` with realm, service and scope; names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`^(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,]*))`);
const SCHEME = new RegExp(`^(${TOKEN})(?=\\s|,|$)`);

/** Reads a header (RFC 9110 §11.6.1), which may hold several challenges; what makes no sense is passed over. */
export function parseChallenges(header: string): Challenge[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  for (let rest = skip(header); rest !== ""; ) {
    const parameter = PARAMETER.exec(rest);
    const scheme = parameter ? undefined : SCHEME.exec(rest);
    if (parameter) {
      const [, name = "", quotedValue, plain = ""] = parameter;
      const value = quotedValue === undefined ? plain : quotedValue.replaceAll(/\\(.)/g, "$1");
      const challenge = found.at(-1);
      if (challenge) challenge.parameters[name.toLowerCase()] ??= value;
    } else if (scheme) {
      found.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: {} });
    }
    rest = skip(rest.slice((parameter ?? scheme)?.[0].length ?? 1));
  }
  return found;
}

function skip(text: string): string {
  return text.replace(/^[\s,]+/, "");
}

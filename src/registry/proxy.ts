type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of which `proxyFor` reads the lower-case and the upper-case form. */
export const PROXY_VARIABLES: readonly string[] = [
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
];

/**
 * The proxy for an https URL as curl and Python choose it, or undefined for a direct connection. A lower-case variable
 * decides over the upper-case one, also when it is empty; a value without a scheme is an HTTP proxy.
 */
export function proxyFor(url: URL, environment: Environment): string | undefined {
  const proxy = variable("https_proxy", environment) || variable("all_proxy", environment);
  if (!proxy || exempt(url, variable("no_proxy", environment))) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

/** Why a proxy cannot be used; undefined: it can. Never has its password. */
export function proxyProblem(proxy: string): string | undefined {
  const scheme = URL.canParse(proxy) ? new URL(proxy).protocol : "no URL";
  if (["http:", "https:"].includes(scheme)) return undefined;
  return `the proxy of the login shell (https_proxy, all_proxy) is ${scheme}, wanted http: or https:`;
}

function variable(name: string, environment: Environment): string {
  return (environment[name] ?? environment[name.toUpperCase()] ?? "").trim();
}

/** Entries of `no_proxy`: `*`, a host with all that is below it, `host:port`, an address, an IPv4 network `10.0.0.0/8`. */
function exempt(url: URL, list: string): boolean {
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, "");
  const port = url.port === "" ? "443" : url.port;
  return list.split(/[\s,]+/).some((written) => {
    const entry = written.toLowerCase();
    if (entry === "" || entry === "*") return entry === "*";
    if (entry.includes("/")) return inNetwork(host, entry);
    const [, name = "", wantedPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    if (entry.split(":").length > 2) return entry.replace(/^\[|\]$/g, "") === host;
    if (wantedPort !== undefined && wantedPort !== port) return false;
    const domain = name.replace(/^\*?\./, "");
    return host === domain || host.endsWith(`.${domain}`);
  });
}

function inNetwork(host: string, network: string): boolean {
  const [base = "", bits = ""] = network.split("/");
  const [address, start, length] = [ipv4(host), ipv4(base), Number(bits)];
  if (address === undefined || start === undefined || !/^\d+$/.test(bits) || length > 32)
    return false;
  const size = 2 ** (32 - length);
  return Math.floor(address / size) === Math.floor(start / size);
}

function ipv4(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split(".").map(Number);
  return bytes.some((byte) => byte > 255)
    ? undefined
    : bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

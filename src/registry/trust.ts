import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../host/files.ts";
import { final, type Outcome } from "./problem.ts";

/** Where Debian, Red Hat and SUSE keep the CAs of the system; the first that exists counts. */
const SYSTEM_BUNDLES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
];

/** Names in a directory of CAs: those of people, and OpenSSL's hashes. */
const CERTIFICATE_FILE = /\.(pem|crt|cer)$|^[0-9a-f]{8}\.\d+$/;

/**
 * PEM texts of all CAs to trust: the system's (without any, those that Bun brings along) and those of `caBundle`. Python
 * would trust the bundle alone; with both, a bundle of one private CA does not cut off the public registries.
 */
export function trustedAuthorities(caBundle: string | undefined): Outcome<readonly string[]> {
  const system = readFirst(SYSTEM_BUNDLES);
  // Loaded only here: it would cost each start 2 ms.
  const base =
    system === undefined ? process.getBuiltinModule("node:tls").rootCertificates : [system];
  if (caBundle === undefined || caBundle === "") return { ok: true, value: base };
  const attempted = `cannot use the CAs in ${caBundle} (REQUESTS_CA_BUNDLE)`;
  try {
    const texts = certificateFiles(caBundle).map((file) => readFileSync(file, "utf8"));
    const own = texts.filter((text) => text.includes("-----BEGIN "));
    if (own.length > 0) return { ok: true, value: [...base, ...own] };
    return final("untrusted", `${attempted}: no PEM certificate in it`);
  } catch (error) {
    return final("untrusted", `${attempted}: ${errorMessage(error)}`);
  }
}

function certificateFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => CERTIFICATE_FILE.test(name));
  const files = names.flatMap((name) => realFile(join(path, name)) ?? []);
  return [...new Set(files)];
}

/** Undefined for a link that leads nowhere, of which such directories may have some. */
function realFile(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function readFirst(paths: readonly string[]): string | undefined {
  for (const path of paths) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      // The next one may be there.
    }
  }
  return undefined;
}

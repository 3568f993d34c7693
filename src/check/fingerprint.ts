import { createHash } from "node:crypto";
import type { Finding } from "./finding.ts";

/**
 * A name for each finding that stays the same while it stays true: lines above it and elements before it in a list may
 * come and go. Equal findings are told apart by their order.
 *
 * @param path the file's path as reports have it
 */
export function fingerprints(
  findings: readonly Finding[],
  path: (file: string) => string,
): readonly string[] {
  const seen = new Map<string, number>();
  return findings.map(({ file, rule, key = "", message }) => {
    const identity = JSON.stringify([path(file), rule, key.replace(/\[\d+\]/g, "[]"), message]);
    const before = seen.get(identity) ?? 0;
    seen.set(identity, before + 1);
    return createHash("sha256").update(`${identity} ${before}`).digest("hex");
  });
}

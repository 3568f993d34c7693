import type { CompiledPattern } from "../settings/patterns.ts";
import type { Settings } from "../settings/settings.ts";

/** The allowlist's regular expression engine, loaded only where a site has an allowlist. */
export async function compilerFor(
  settings: Settings,
): Promise<(pattern: string) => CompiledPattern> {
  if (settings.charliecloud.image_allowlist === undefined) {
    return () => ({ ok: false, message: "there is no allowlist" });
  }
  return (await import("../settings/patterns.ts")).compilePattern;
}

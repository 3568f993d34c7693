import { runCommand } from "../host/process.ts";

/** What a mksquashfs can do. */
export interface SquashfsTools {
  /** Whether it reads a tar from its stdin. */
  readonly readsTar: boolean;
  /** For `-comp`: the fastest. */
  readonly compressor: "zstd" | "gzip";
  /** Options that keep it from telling what it does. */
  readonly silence: readonly string[];
}

/** Asks a mksquashfs for its version. */
export async function askSquashfsTools(
  mksquashfs: string,
  { env, signal }: { readonly env: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<SquashfsTools> {
  const asked = await runCommand([mksquashfs, "-version"], { env, cwd: "/", signal });
  return squashfsToolsOf(asked.stdout);
}

/**
 * Judges by what `mksquashfs -version` says, since its help differs more than its abilities. squashfs-tools 4.4 brought
 * zstd and `-quiet`, 4.5 `-tar`; Enterprise Linux 8 has 4.3. Without a version it can do what 4.3 can.
 */
export function squashfsToolsOf(said: string): SquashfsTools {
  const [, major = "0", minor = "0"] = /version (\d+)\.(\d+)/.exec(said) ?? [];
  const atLeast = (wanted: number) =>
    Number(major) > 4 || (Number(major) === 4 && Number(minor) >= wanted);
  return {
    readsTar: atLeast(5),
    compressor: atLeast(4) ? "zstd" : "gzip",
    silence: [...(atLeast(4) ? ["-quiet"] : []), "-no-progress"],
  };
}

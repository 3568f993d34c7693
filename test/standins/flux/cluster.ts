import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** An instance of the stand-in for Flux. */
export interface Flux {
  readonly dir: string;
  /** For `[batch] scheduler_bin`. */
  readonly bin: string;
  /** For FLUX_URI. */
  readonly uri: string;
  /** Runs the command as somebody else than the driver would; what it writes to stdout. */
  run(...words: readonly string[]): string;
  /** Takes the broker away; jobs go on. */
  down(): void;
  up(): void;
  /** Removes the instance; its jobs end by themselves. */
  stop(): void;
}

export function startFlux(): Flux {
  const dir = mkdtempSync("/var/tmp/jacamar-flux-");
  const socket = `${dir}/local`;
  const bin = `${import.meta.dir}/bin`;
  const uri = `local://${socket}`;
  writeFileSync(socket, "");
  return {
    dir,
    bin,
    uri,
    run(...words) {
      const env = { PATH: "/usr/bin:/bin", FLUX_URI: uri, LC_ALL: "C" };
      return Bun.spawnSync([`${bin}/flux`, ...words], { env })
        .stdout.toString()
        .trim();
    },
    down: () => renameSync(socket, `${socket}.down`),
    up: () => renameSync(`${socket}.down`, socket),
    stop: () => rmSync(dir, { recursive: true, force: true }),
  };
}

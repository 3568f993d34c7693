import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** Where `npm run build` writes. */
const DIST = resolve(import.meta.dir, "../dist");

/**
 * The compiled program for this machine, or for `architecture`. `JACAMAR_BINARY` names another one to test.
 *
 * @throws {Error} If it was not built.
 */
export function binaryPath(architecture: string = process.arch): string {
  const chosen = process.env["JACAMAR_BINARY"];
  if (chosen !== undefined && architecture === process.arch) return resolve(chosen);
  const file = join(DIST, `jacamar-linux-${architecture}`);
  if (!existsSync(file))
    throw new Error(
      `Cannot test the compiled program, ${file} is missing: run \`npm run build\` first`,
    );
  return file;
}

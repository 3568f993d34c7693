/**
 * Makes the packages of the program, .deb and .rpm for each architecture, with a bill of materials for each executable
 * and SHA256SUMS beside them. The same source gives the same bytes.
 *
 * Usage: npm run package [-- --host-only] [--outdir DIR]      (SOURCE_DATE_EPOCH: the time in it)
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { architectures, build } from "./build.ts";
import type { Architecture } from "./harden-table.ts";
import { makeDeb } from "./package/deb.ts";
import { packageFiles } from "./package/files.ts";
import { type PackageInput, sourceTime, versionOf } from "./package/info.ts";
import { makeRpm } from "./package/rpm.ts";
import { billOfMaterials } from "./package/sbom.ts";

const ROOT = resolve(import.meta.dir, "..");

export interface PackagesInput {
  /** The executable of each architecture to make packages of. */
  readonly binaries: ReadonlyMap<Architecture, string>;
  readonly outdir: string;
  /** @default {"xz"} */
  readonly compression?: PackageInput["compression"];
}

/** Makes the packages and what lies beside them; returns the paths, SHA256SUMS last. */
export function makePackages({ binaries, outdir, compression = "xz" }: PackagesInput): string[] {
  mkdirSync(outdir, { recursive: true });
  const [version, time] = [versionOf(ROOT), sourceTime(ROOT, process.env)];
  const made = [...binaries].flatMap(([architecture, binary]) => {
    const scratch = mkdtempSync(join(outdir, ".package-"));
    try {
      const common = { architecture, version, time, compression, scratch, outdir };
      const source = { root: ROOT, binary, version, time };
      const sbom = join(outdir, `jacamar-linux-${architecture}.cdx.json`);
      writeFileSync(sbom, billOfMaterials({ ...source, architecture }));
      return [
        makeDeb({ ...common, files: packageFiles("deb", source) }),
        makeRpm({ ...common, files: packageFiles("rpm", source) }),
        sbom,
      ];
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
  const sums = join(outdir, "SHA256SUMS");
  writeFileSync(sums, made.map(checksumLine).join(""));
  return [...made, sums];
}

function checksumLine(file: string): string {
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  return `${sha256}  ${basename(file)}\n`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      "host-only": { type: "boolean", default: false },
      outdir: { type: "string", default: "dist" },
    },
  });
  const outdir = resolve(ROOT, values.outdir);
  const chosen = architectures(values["host-only"]);
  const built = build({ architectures: chosen, outdir });
  const binaries = new Map(chosen.map((architecture, i) => [architecture, built[i]?.file ?? ""]));
  for (const file of makePackages({ binaries, outdir })) console.log(file);
}

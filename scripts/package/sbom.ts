import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import type { Architecture } from "../harden-table.ts";
import { bunComponent, type Component, directDependencies, npmComponents } from "./components.ts";

export interface SbomInput {
  readonly root: string;
  readonly architecture: Architecture;
  readonly version: string;
  /** The executable that it describes. */
  readonly binary: string;
  /** Seconds since 1970. */
  readonly time: number;
}

/** The bill of materials of an executable: CycloneDX 1.6 as JSON text, the same for the same executable. */
export function billOfMaterials(input: SbomInput): string {
  const { root, architecture, version, binary, time } = input;
  const sha256 = createHash("sha256").update(readFileSync(binary)).digest("hex");
  const npm = npmComponents(root);
  const bun = bunComponent(root, architecture);
  const components = new Map([...npm, bun].map((one) => [one.name, modelOf(one)]));
  const refOf = (name: string) => {
    const model = components.get(name);
    if (model === undefined) throw new Error(`Cannot refer to ${name}: it is not in the lock file`);
    return model.bomRef;
  };
  for (const { name, uses } of npm)
    for (const used of uses) components.get(name)?.dependencies.add(refOf(used));

  const program = new Models.Component(Enums.ComponentType.Application, "jacamar", {
    bomRef: basename(binary),
    version,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense("MIT")]),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-256"], sha256]]),
    dependencies: new Models.BomRefRepository([...directDependencies(root), bun.name].map(refOf)),
  });
  const bom = new Models.Bom({
    serialNumber: serialNumber(sha256),
    metadata: new Models.Metadata({ component: program, timestamp: new Date(time * 1000) }),
    components: new Models.ComponentRepository(components.values()),
  });
  const serializer = new Serialize.JsonSerializer(
    new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6),
  );
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function modelOf({ name, version, license, integrity }: Component): Models.Component {
  const [, group, short = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  const sha512 = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  return new Models.Component(Enums.ComponentType.Library, short, {
    ...(group !== undefined && { group }),
    bomRef: purl,
    purl,
    version,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense(license)]),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-512"], sha512]]),
  });
}

/** A UUID (version 8: of one's own making) that names this executable's bill and no other. */
function serialNumber(sha256: string): string {
  const digits = `${sha256.slice(0, 12)}8${sha256.slice(13, 16)}8${sha256.slice(17, 32)}`;
  return `urn:uuid:${digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}`;
}

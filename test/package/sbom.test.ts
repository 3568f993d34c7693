import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import Ajv from "ajv";
import { licenseTexts, npmComponents } from "../../scripts/package/components.ts";
import { billOfMaterials } from "../../scripts/package/sbom.ts";

const ROOT = join(import.meta.dir, "../..");

let directory = "";
let binary = "";
beforeAll(() => {
  directory = mkdtempSync("/var/tmp/jacamar-sbom-");
  binary = join(directory, "jacamar-linux-x64");
  writeFileSync(binary, "program");
});
afterAll(() => rmSync(directory, { recursive: true }));

const bill = () =>
  billOfMaterials({ root: ROOT, architecture: "x64", version: "1.2.3", binary, time: 0 });

test("the bill of materials is what CycloneDX's own schema wants", () => {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json")),
    "res/schema",
  );
  const schema = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
  // Formats such as iri-reference would need more packages; the structure is what we write.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(
    schema("spdx.SNAPSHOT.schema.json"),
    "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json",
  );
  ajv.addSchema(
    schema("jsf-0.82.SNAPSHOT.schema.json"),
    "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
  );
  const validate = ajv.compile(schema("bom-1.6.SNAPSHOT.schema.json"));
  const isValid = validate(JSON.parse(bill()));
  expect([isValid, validate.errors]).toEqual([true, null]);
  expect(validate({ bomFormat: "CycloneDX" })).toBe(false);
});

test("it lists what Bun puts into the program, Bun itself, and nothing else", async () => {
  const built = await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts")],
    target: "bun",
    splitting: true,
    metafile: true,
  });
  const inputs = Object.keys(built.metafile?.inputs ?? {});
  const bundled = inputs.flatMap((file) => {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    return name === undefined ? [] : [name];
  });
  expect(npmComponents(ROOT).map(({ name }) => name)).toEqual([...new Set(bundled)].sort());

  const { components, dependencies, metadata } = JSON.parse(bill());
  const purls = components.map(({ purl }: { purl: string }) => purl);
  expect(purls).toHaveLength(new Set(bundled).size + 1);
  expect(purls).toContainEqual(expect.stringMatching(/^pkg:npm\/%40oven\/bun-linux-x64@\d/));
  expect(metadata.component.hashes[0].content).toHaveLength(64);
  const arktype = dependencies.find(({ ref }: { ref: string }) => ref.includes("/arktype@"));
  expect(arktype.dependsOn.length).toBeGreaterThan(0);
});

test("the same executable gives the same bill, another one another serial number", () => {
  const first = bill();
  expect(bill()).toBe(first);
  writeFileSync(binary, "another program");
  expect(JSON.parse(bill()).serialNumber).not.toBe(JSON.parse(first).serialNumber);
});

test("the package's copyright file has the license of everything inside", () => {
  const text = licenseTexts(ROOT);
  expect(text).toStartWith("MIT License\n\nCopyright (c) 2026 the jacamar authors");
  for (const { name, version } of npmComponents(ROOT))
    expect(text).toContain(`${name} ${version} (`);
});

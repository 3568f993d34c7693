import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { architectures, build } from "./build.ts";

let directory: string;

beforeAll(() => {
  directory = mkdtempSync("/var/tmp/jacamar-build-");
});
afterAll(() => rmSync(directory, { recursive: true }));

test("build() writes a program and its hash, and the same bytes the second time", () => {
  const entry = join(directory, "entry.ts");
  writeFileSync(entry, "console.log(JACAMAR_VERSION, process.argv.length);\n");
  const [first] = build({
    architectures: architectures(true),
    entry,
    outdir: join(directory, "a"),
  });
  mkdirSync(join(directory, "deeper"));
  const outdir = join(directory, "deeper/b");
  const [second] = build({ architectures: architectures(true), entry, outdir });

  if (first === undefined || second === undefined) throw new Error("nothing was built");
  expect(second.sha256).toBe(first.sha256);
  const name = `jacamar-linux-${process.arch}`;
  expect(readdirSync(outdir).sort()).toEqual([name, `${name}.sha256`]);
  expect(readFileSync(`${second.file}.sha256`, "utf8")).toBe(`${second.sha256}  ${name}\n`);
  const run = Bun.spawnSync([first.file, "--preload", "x"]);
  const { version } = JSON.parse(readFileSync(join(import.meta.dir, "../package.json"), "utf8"));
  expect(run.stdout.toString()).toBe(`${version} 4\n`);
});

test("build() reports what the compiler says and leaves nothing behind", () => {
  const entry = join(directory, "broken.ts");
  writeFileSync(entry, 'import "./missing.ts";\n');
  const outdir = join(directory, "c");
  expect(() => build({ architectures: architectures(true), entry, outdir })).toThrow("missing.ts");
  expect(readdirSync(outdir)).toEqual([]);
});

/**
 * Bundles what `run` loads into one file, from which the rest of the program is imported when it is needed. Bun's own
 * splitting makes a chunk for each set of places that share modules, about ten for `run`, and each costs it time.
 *
 * Usage: bun scripts/hot-entry.ts OUTFILE     (OUTFILE two directories below the repository's root)
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
/** Imported by `run` only when it turns out to be another hook or command, or a batch job. */
const LATE = /^\.\/(cli|hooks|run-batch)\.ts$/;

const outfile = resolve(process.argv[2] ?? "");
const { outputs } = await Bun.build({
  entrypoints: [`${ROOT}/src/main.ts`],
  target: "bun",
  format: "esm",
  plugins: [
    {
      name: "late imports stay where they are",
      setup(builder) {
        builder.onResolve({ filter: LATE }, ({ path }) => ({
          path: `../../src/commands/${basename(path)}`,
          external: true,
        }));
      },
    },
  ],
});
const text = (await outputs[0]?.text()) ?? "";
for (const late of ["cli", "hooks", "run-batch"]) {
  if (!text.includes(`import("../../src/commands/${late}.ts")`))
    throw new Error(`the bundle of what run loads does not import ${late}.ts`);
}
mkdirSync(dirname(outfile), { recursive: true });
const temporary = `${outfile}.${process.pid}`;
writeFileSync(temporary, text);
renameSync(temporary, outfile);

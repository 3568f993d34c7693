/**
 * Runs real jobs through the compiled driver and whatever scheduler this machine has, and says what it got right: the
 * way to try the driver on a site before gitlab-runner is set up. The behaviours are those of the project's own tests,
 * without what would disturb others.
 *
 * Usage: npm run conformance -- --executor slurm|flux|pbs|lsf [--data-dir DIR] [--arguments "…"] [--bin DIR]
 *                               [--image REFERENCE] [--only TEXT]
 *   --data-dir   on a file system that the nodes see; default: a directory in /var/tmp, for one machine
 *   --arguments  what a job of this site needs, e.g. an account or a queue
 *   --bin        the scheduler's commands, as in [batch] scheduler_bin
 *   --image      tries jobs with this image, too
 *   --only       behaviours whose name contains this
 * JACAMAR_BINARY names a driver to try instead of one that is built now.
 */
import { parseArgs } from "node:util";
import { BEHAVIOURS } from "../test/batch/behaviours.ts";
import { realSite } from "../test/batch/conformance.ts";
import { architectures, build } from "./build.ts";

/** The scheduler's words begin with a dash, which parseArgs takes for a mistake unless they are joined. */
function joined(words: readonly string[]): string[] {
  const at = words.indexOf("--arguments");
  if (at === -1 || words[at + 1] === undefined) return [...words];
  return [...words.slice(0, at), `--arguments=${words[at + 1]}`, ...words.slice(at + 2)];
}

const { values } = parseArgs({
  args: joined(process.argv.slice(2)),
  options: {
    executor: { type: "string" },
    "data-dir": { type: "string" },
    arguments: { type: "string", default: "" },
    bin: { type: "string" },
    image: { type: "string" },
    only: { type: "string", default: "" },
  },
});
if (values.executor === undefined)
  throw new Error("Usage: npm run conformance -- --executor slurm|flux|pbs|lsf");
if (process.env["JACAMAR_BINARY"] === undefined) build({ architectures: architectures(true) });
const site = realSite({
  executor: values.executor,
  dataDir: values["data-dir"],
  words: values.arguments,
  bin: values.bin,
  image: values.image,
});
let [passed, failed] = [0, 0];
try {
  for (const { name, needs = [], run } of BEHAVIOURS) {
    if (!name.includes(values.only)) continue;
    const missing = needs.filter((need) => site.without.includes(need));
    if (missing.length > 0) {
      console.log(`skipped ${name} (needs: ${missing.join(", ")})`);
      continue;
    }
    try {
      await run(site.cluster);
      console.log(`ok      ${name}`);
      passed++;
    } catch (error) {
      console.log(`FAILED  ${name}\n${error instanceof Error ? error.message : error}`);
      failed++;
    }
  }
} finally {
  site.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

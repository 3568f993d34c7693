/**
 * Runs everything that can fail: the checks, the build of both architectures, every test. Ends with one line on
 * stdout that counts all of them: `N passed, N failed`.
 *
 * Usage: bun scripts/test.ts [PATTERN …]     (only test files whose path contains a pattern, without checks)
 */
import { resolve } from "node:path";
import { architectures, build } from "./build.ts";
import { printChecks, runChecks } from "./check.ts";
import { addCounts, type Counts, countsOf } from "./test-counts.ts";

const ROOT = resolve(import.meta.dir, "..");

/** Files whose tests use something of which a machine has one; they run after the others, one process each. */
const SERIAL = ".serial.test.ts";

/** For one test, in milliseconds; Bun's own is 5 s, too short for a container on a busy machine. */
const TEST_TIMEOUT = 120_000;

async function runTests(files: readonly string[]): Promise<Counts> {
  if (files.length === 0) return { passed: 0, failed: 0 };
  const child = Bun.spawn(
    [process.execPath, "test", `--timeout=${TEST_TIMEOUT}`, ...files.map((file) => `./${file}`)],
    { cwd: ROOT, stdin: "ignore", stdout: "inherit", stderr: "pipe" },
  );
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stderr) {
    process.stderr.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  return countsOf(output, await child.exited);
}

function runBuild(): Counts {
  try {
    for (const { file } of build({ architectures: architectures(false) }))
      console.log(`built ${file}`);
    return { passed: 1, failed: 0 };
  } catch (error) {
    console.log(`build: failed\n${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 1 };
  }
}

function runAllChecks(): Counts {
  const results = runChecks();
  printChecks(results);
  const count = (outcome: string) => results.filter((result) => result.outcome === outcome).length;
  return { passed: count("ok"), failed: count("failed") };
}

const patterns = process.argv.slice(2);
const files = [...new Bun.Glob("{src,scripts,test}/**/*.test.ts").scanSync(ROOT)]
  .filter((file) => !file.includes("/node_modules/"))
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();

let counts: Counts = { passed: 0, failed: 0 };
if (patterns.length === 0) counts = addCounts(counts, runAllChecks());
counts = addCounts(counts, runBuild());
counts = addCounts(counts, await runTests(files.filter((file) => !file.endsWith(SERIAL))));
for (const file of files.filter((one) => one.endsWith(SERIAL)))
  counts = addCounts(counts, await runTests([file]));

if (files.length === 0) console.log("no test file was found");
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed > 0 || files.length === 0 ? 1 : 0;

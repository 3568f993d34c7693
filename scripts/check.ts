/**
 * Checks the source without running it: types, lint and format, layers, pages, shell scripts, lock files, file lengths.
 *
 * Usage: bun scripts/check.ts
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brokenLinks } from "./doc-links.ts";
import { checkHotPath } from "./hot-path.ts";
import { checkLayers, readSources } from "./layers.ts";
import { checkLockFile } from "./lock-file.ts";
import { staleOptionTable } from "./option-table.ts";

const ROOT = resolve(import.meta.dir, "..");
const LONGEST_FILE = 300;
/** Folders with npm packages of their own. */
const LOCKED = [".", "scripts/grafana/page"];

export interface CheckResult {
  readonly name: string;
  readonly outcome: "ok" | "failed" | "skipped";
  /** What the check said; for `skipped`, why. */
  readonly output: string;
}

/** Runs every check, also after one has failed. */
export function runChecks(): CheckResult[] {
  return [
    command("types", ["node_modules/.bin/tsc", "--noEmit", "-p", "."]),
    command("lint and format", ["node_modules/.bin/biome", "check", "--no-errors-on-unmatched"]),
    problems("layers", () => checkLayers(readSources(ROOT))),
    problems("what run loads", () => checkHotPath(readSources(ROOT))),
    problems("option table", staleOptionTable),
    problems("links of pages", () => brokenLinks(ROOT)),
    shellcheck(),
    problems("lock files", () => LOCKED.flatMap((folder) => checkLockFile(join(ROOT, folder)))),
    problems("file lengths", longFiles),
  ];
}

/** Prints a line for each check and what the failed ones said. */
export function printChecks(results: readonly CheckResult[]): void {
  for (const { name, outcome, output } of results) {
    const detail = outcome === "skipped" ? `: ${output}` : "";
    console.log(`check ${name}: ${outcome}${detail}`);
    if (outcome === "failed") console.log(output.trimEnd().replaceAll(/^/gm, "  "));
  }
}

function command(name: string, argv: string[]): CheckResult {
  const result = Bun.spawnSync(argv, { cwd: ROOT, stdin: "ignore" });
  const output = result.stdout.toString() + result.stderr.toString();
  return { name, outcome: result.exitCode === 0 ? "ok" : "failed", output };
}

function problems(name: string, find: () => string[]): CheckResult {
  try {
    const found = find();
    return { name, outcome: found.length === 0 ? "ok" : "failed", output: found.join("\n") };
  } catch (error) {
    return { name, outcome: "failed", output: String(error) };
  }
}

/** Also what a script sources, beside it. */
const SOURCES = ["--external-sources", "--source-path=SCRIPTDIR"];

function shellcheck(): CheckResult {
  const name = "shell scripts";
  if (Bun.which("shellcheck") === null)
    return { name, outcome: "skipped", output: "shellcheck is not installed" };
  const isProgram = (file: string) => readFileSync(join(ROOT, file), "utf8").startsWith("#!");
  const files = [...projectFiles("{sh,bash}"), ".ci/run"];
  const results = [
    command(name, ["shellcheck", ...SOURCES, ...files.filter(isProgram)]),
    // What has no first line of its own goes below lines that set its variables: `.sh` into any POSIX shell.
    ...["sh", "bash"].flatMap((shell) => {
      const fragments = files.filter((file) => file.endsWith(`.${shell}`) && !isProgram(file));
      const options = [...SOURCES, `--shell=${shell}`, "--exclude=SC2154"];
      return fragments.length > 0 ? [command(name, ["shellcheck", ...options, ...fragments])] : [];
    }),
  ];
  const failed = results.filter(({ outcome }) => outcome === "failed");
  const output = failed.map((result) => result.output).join("");
  return { name, outcome: failed.length === 0 ? "ok" : "failed", output };
}

function longFiles(): string[] {
  return projectFiles("{ts,sh,bash}").flatMap((file) => {
    const lines = readFileSync(join(ROOT, file), "utf8").split("\n").length - 1;
    return lines > LONGEST_FILE ? [`${file}: ${lines} lines, at most ${LONGEST_FILE}`] : [];
  });
}

function projectFiles(extensions: string): string[] {
  const glob = new Bun.Glob(`{src,scripts,test}/**/*.${extensions}`);
  return [...glob.scanSync(ROOT)].filter((file) => !file.includes("/node_modules/")).sort();
}

if (import.meta.main) {
  const results = runChecks();
  printChecks(results);
  process.exitCode = results.some(({ outcome }) => outcome === "failed") ? 1 : 0;
}

import { dirname, join, normalize } from "node:path";
import { importsOf } from "./imports.ts";

/** What gitlab-runner starts about ten times a job: its own start, and the stage command. */
const ROOTS = ["src/main.ts", "src/commands/start.ts", "src/commands/run.ts"];

/** Modules whose loading costs more than everything that `run` does; measured, see docs/architecture.md. */
const HEAVY =
  /^(arktype|@ark\/.*|smol-toml|re2js|citty|consola.*|fastest-levenshtein|node:(crypto|child_process|util|net|https?|tls|stream|tty))$/;

/** One line for each heavy module that `run` would load, with the chain of files that leads to it. */
export function checkHotPath(sources: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  const chains = new Map<string, readonly string[]>(
    ROOTS.filter((file) => sources.has(file)).map((file) => [file, [file]]),
  );
  for (const [file, chain] of chains) {
    for (const { specifier, typeOnly, dynamic } of importsOf(file, sources.get(file) ?? "")) {
      if (typeOnly || dynamic) continue;
      if (HEAVY.test(specifier)) problems.push(`run loads ${specifier}: ${chain.join(" → ")}`);
      const target = normalize(join(dirname(file), specifier));
      // A map goes on to entries that are added while it is walked.
      if (sources.has(target) && !chains.has(target)) chains.set(target, [...chain, target]);
    }
  }
  return problems;
}

import { dirname, join, normalize } from "node:path";
import { importsOf } from "./imports.ts";

/** What gitlab-runner starts about ten times a job: its own start, and the stage command. */
const ROOTS = ["src/main.ts", "src/commands/start.ts", "src/commands/run.ts"];

/** Modules whose loading costs more than everything that `run` does; measured, see docs/architecture.md. */
const HEAVY =
  /^(arktype|@ark\/.*|smol-toml|yaml|re2js|citty|consola.*|fastest-levenshtein|node:(crypto|child_process|util|net|https?|tls|stream|tty))$/;

/** What gitlab-runner starts for the other hooks. */
const HOOKS = ["cli", "config", "prepare", "cleanup"].map((name) => `src/commands/${name}.ts`);

/** What only a command that an admin starts by hand may load. */
const TOOLS =
  /^src\/(check\/|doctor\/|commands\/(check|doctor|schema|help)\.ts$|settings\/(json-schema|option-help)\.ts$)/;

/** One line for each heavy module that `run` would load, and for each tool that any hook would, with the way to it. */
export function checkHotPath(sources: ReadonlyMap<string, string>): string[] {
  const { chains, problems } = walk(sources, ROOTS);
  const tools = [...walk(sources, HOOKS).chains, ...chains].filter(([file]) => TOOLS.test(file));
  return [
    ...problems,
    ...tools.map(([file, chain]) => `a hook loads ${file}: ${chain.join(" → ")}`),
  ];
}

/** Every file that comes with the roots, with the way to it, and the heavy modules on it. */
function walk(sources: ReadonlyMap<string, string>, roots: readonly string[]) {
  const problems: string[] = [];
  const chains = new Map<string, readonly string[]>(
    roots.filter((file) => sources.has(file)).map((file) => [file, [file]]),
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
  return { chains, problems };
}

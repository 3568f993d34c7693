/**
 * Holds the rule which room of src/ may import which, so that decisions stay apart from actions.
 *
 * Usage: bun scripts/layers.ts [ROOT]
 */
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize, resolve } from "node:path";
import { type Import, importsOf } from "./imports.ts";

/** What each room may import besides itself: rooms, or single files of which only types may be used. */
const ROOMS: Readonly<
  Record<string, { readonly rooms: readonly string[]; readonly types?: readonly string[] }>
> = {
  "main.ts": { rooms: ["commands", "host"] },
  commands: {
    rooms: [
      "doctor",
      "check",
      "executors",
      "metrics",
      "images",
      "cache",
      "charliecloud",
      "plan",
      "settings",
      "job",
      "bash",
      "host",
      "runner",
    ],
  },
  doctor: {
    rooms: ["check", "executors", "registry", "cache", "charliecloud", "plan", "settings", "host"],
  },
  check: { rooms: ["executors", "charliecloud", "plan", "settings", "job", "host"] },
  executors: {
    rooms: [
      "metrics",
      "images",
      "registry",
      "cache",
      "charliecloud",
      "plan",
      "bash",
      "job",
      "host",
    ],
    types: ["src/settings/settings.ts", "src/settings/patterns.ts"],
  },
  images: {
    rooms: ["registry", "flatten", "cache", "charliecloud", "plan", "bash", "host"],
    types: ["src/settings/settings.ts"],
  },
  cache: { rooms: ["plan", "host"] },
  charliecloud: { rooms: ["plan", "bash", "host", "job"] },
  registry: { rooms: ["plan", "host"] },
  flatten: { rooms: ["plan", "host"] },
  metrics: { rooms: ["host"] },
  plan: { rooms: ["job", "settings"] },
  settings: { rooms: [] },
  job: { rooms: [], types: ["src/plan/decision.ts"] },
  bash: { rooms: [] },
  host: { rooms: [] },
  runner: { rooms: [] },
};

/** Rooms that compute and never act: no module of Node.js or Bun. */
const PURE = ["plan"];

/** npm packages that only some files may import; a folder ends in a slash. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "smol-toml": ["src/settings/toml.ts"],
  arktype: ["src/settings/"],
  "@ark": ["src/settings/"],
  citty: ["src/main.ts", "src/commands/"],
  yaml: ["src/runner/yaml-file.ts"],
};

/** Returns one line for each import that breaks a rule; `sources` has each file's text by path from the root. */
export function checkLayers(sources: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [file, source] of sources) {
    if (ROOMS[roomOf(file)] === undefined) problems.push(`${file}: no such room: ${roomOf(file)}`);
    const targets: string[] = [];
    for (const one of importsOf(file, source)) {
      const complain = (what: string) => problems.push(`${file}:${one.line}: ${what}`);
      if (one.specifier.startsWith(".")) {
        const target = normalize(join(dirname(file), one.specifier));
        if (!one.typeOnly) targets.push(target);
        checkRoom(file, target, one, complain);
      } else checkPackage(file, one.specifier, complain);
    }
    graph.set(file, targets);
  }
  return [...problems, ...cycles(graph).map((cycle) => `import cycle: ${cycle.join(" → ")}`)];
}

function roomOf(file: string): string {
  return file.split("/")[1] ?? file;
}

function checkRoom(file: string, target: string, one: Import, complain: (what: string) => void) {
  if (!target.startsWith("src/")) return complain(`imports ${target}, which is outside src/`);
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === to || ROOMS[from]?.rooms.includes(to)) return;
  if (ROOMS[from]?.types?.includes(target)) {
    if (!one.typeOnly) complain(`may import only types from ${target}`);
    return;
  }
  const allowed = [...(ROOMS[from]?.rooms ?? []), ...(ROOMS[from]?.types ?? [])];
  complain(
    `${from} may not import ${target}${one.typeOnly ? ", not even its types" : ""}: only ${allowed.join(", ") || "itself"}`,
  );
}

function checkPackage(file: string, specifier: string, complain: (what: string) => void) {
  const system =
    /^(node|bun):/.test(specifier) || specifier === "bun" || builtinModules.includes(specifier);
  if (system && PURE.includes(roomOf(file)))
    complain(`${roomOf(file)} is pure and may not import ${specifier}`);
  const name = specifier.split("/")[0] ?? specifier;
  const places = PACKAGES[name];
  if (
    places &&
    !places.some((place) => (place.endsWith("/") ? file.startsWith(place) : file === place))
  )
    complain(`only ${places.join(" and ")} may import ${name}`);
}

/** Each cycle once, beginning and ending with the same file. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

/** Reads the TypeScript files below src/ that become part of the program. */
export function readSources(root: string): Map<string, string> {
  const files = [...new Bun.Glob("src/**/*.ts").scanSync(root)].sort();
  const program = files.filter((file) => !/\.(test|d)\.ts$/.test(file));
  return new Map(program.map((file) => [file, readFileSync(join(root, file), "utf8")]));
}

if (import.meta.main) {
  const problems = checkLayers(
    readSources(resolve(process.argv[2] ?? join(import.meta.dir, ".."))),
  );
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

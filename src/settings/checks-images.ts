import { type Path, stepsOf } from "./key-path.ts";
import { type Mistake, refused } from "./mistake.ts";
import { findTable } from "./option-lookup.ts";
import { PULL_POLICIES } from "./options-images.ts";
import { shorten } from "./problem.ts";
import { canonicalRegistry, parseRegistryPrefix } from "./registry-prefix.ts";
import { listAt, strings, type Tables } from "./tidy.ts";

const CHARLIECLOUD = "general.charliecloud";
const CACHE = "general.charliecloud.cache";
const MIRROR = "general.charliecloud.mirror";

const LONGEST_SHOWN = 120;

/** Checks what the types of the keys for images, their cache and their mirrors cannot say. */
export function checkImages(tables: Tables): readonly Mistake[] {
  return [...checkPolicies(tables), ...checkCache(tables), ...checkMirrors(tables)];
}

function checkPolicies(tables: Tables): Mistake[] {
  const list = listAt(tables, CHARLIECLOUD, "allowed_pull_policies");
  if (list === undefined) return [];
  const allowed = strings(list).map(([, policy]) => policy);
  if (list.every((element) => element === "")) {
    const complaint =
      'no policy in the list; wanted "always", "if-not-present" or "never", or no such key to allow every policy';
    return [refused(at(CHARLIECLOUD, "allowed_pull_policies"), complaint)];
  }
  const own = tables.get(CHARLIECLOUD)?.["runner_pull_policy"];
  const known: readonly string[] = PULL_POLICIES;
  // A mistyped policy is reported already, and may be the very one that is meant here.
  if (typeof own !== "string" || allowed.includes(own)) return [];
  if (![own, ...allowed].every((policy) => known.includes(policy))) return [];
  const complaint = `${quoted(own)} is not in allowed_pull_policies; wanted one of ${allowed.map(quoted).join(", ")}`;
  return [refused(at(CHARLIECLOUD, "runner_pull_policy"), complaint)];
}

function checkCache(tables: Tables): Mistake[] {
  const { dir, shared } = tables.get(CACHE) ?? {};
  const mistakes: Mistake[] = [];
  if (shared === true && dir === undefined) {
    const complaint = `true needs a directory that others use too; wanted dir in [${CACHE}] as well`;
    mistakes.push(refused(at(CACHE, "shared"), complaint));
  }
  const problem = typeof dir === "string" ? directoryProblem(dir) : undefined;
  if (problem !== undefined) {
    mistakes.push(refused(at(CACHE, "dir"), `${quoted(String(dir))} ${problem}`));
  }
  return mistakes;
}

// What the account's values make of it is known only for a job; plan/cache-directory looks again.
function directoryProblem(dir: string): string | undefined {
  if (!/^(?:\/|(?:~|\$HOME|\$\{HOME\})(?:\/|$))/.test(dir)) {
    return "is relative; wanted an absolute path, or one that begins with $HOME or ~";
  }
  return /[:\u0000-\u001f\u007f]/.test(dir)
    ? "contains a colon or a control character, which ch-run cannot bind; wanted a path without them"
    : undefined;
}

function checkMirrors(tables: Tables): Mistake[] {
  const seen = new Set<string>();
  return [...tables].flatMap(([path, table]) => {
    if (findTable(path)?.path !== MIRROR) return [];
    const { registry, mirror } = table;
    return [
      ...(typeof registry === "string" ? checkRegistry(at(path, "registry"), registry, seen) : []),
      ...(typeof mirror === "string" ? checkPrefix(at(path, "mirror"), mirror) : []),
    ];
  });
}

function checkRegistry(path: Path, registry: string, seen: Set<string>): Mistake[] {
  const prefix = parseRegistryPrefix(registry);
  if (prefix === undefined) return checkPrefix(path, registry);
  const name = `${canonicalRegistry(prefix.host)}/${prefix.path}`;
  if (seen.has(name)) {
    const complaint = `${quoted(registry)} has a mirror already; wanted each registry once`;
    return [refused(path, complaint)];
  }
  seen.add(name);
  return [];
}

function checkPrefix(path: Path, text: string): Mistake[] {
  if (parseRegistryPrefix(text) !== undefined) return [];
  const complaint = `${quoted(text)} ${prefixProblem(text)}; wanted host[:port][/path], such as "registry.example.org/hub"`;
  return [refused(path, complaint)];
}

function prefixProblem(text: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return "has a scheme";
  if (/\s/.test(text)) return "contains a space";
  if (text.endsWith("/")) return "ends with a slash";
  if (!/[.:]/.test(text.split("/", 1).join(""))) {
    return "begins with a name that has neither a dot nor a port, which is no host in an image name";
  }
  return "is not a registry";
}

function at(table: string, key: string): Path {
  return [...stepsOf(table), key];
}

function quoted(text: string): string {
  return JSON.stringify(shorten(text, LONGEST_SHOWN));
}

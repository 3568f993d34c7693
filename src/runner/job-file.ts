import { artifactsOf, imageOf, scriptOf, variablesOf } from "./job-keywords.ts";
import type { JobSpec } from "./job-spec.ts";
import { FileMistake, parseYaml, Reference, type YamlFile } from "./yaml-file.ts";

/** The part of a job that its file decides. */
export type FileJob = Pick<
  JobSpec,
  "name" | "stage" | "image" | "variables" | "beforeScript" | "script" | "afterScript" | "artifacts"
>;

/** A job from a `.gitlab-ci.yml`, and one line for each place with something that is not acted on. */
export interface JobFile {
  readonly job: FileJob;
  readonly ignored: readonly string[];
}

/** What stands at the top of a file and is no job. */
const TOP_KEYWORDS = [
  "default",
  "include",
  "stages",
  "types",
  "variables",
  "workflow",
  "spec",
  "image",
  "services",
  "cache",
  "before_script",
  "after_script",
];

/** Keywords of a job that are acted on; `extends` and `inherit` decide where the others come from. */
const USED = ["stage", "variables", "before_script", "script", "extends", "inherit"];
/** These may also come from `default:`, or stand at the top of the file as in old ones. */
const INHERITED = ["image", "before_script", "after_script", "artifacts"];
const LONGEST_CHAIN = 11;

type Keywords = Readonly<Record<string, unknown>>;

/**
 * Reads one job of a `.gitlab-ci.yml`, as GitLab would: `extends`, `!reference`, `default`, global variables.
 *
 * @param wanted The job's name; may be left out when the file has only one.
 * @throws FileMistake with the line
 */
export function readJobFile(text: string, file: string, wanted: string | undefined): JobFile {
  const yaml = parseYaml(text, file);
  const root = keywords(yaml.value);
  if (root === undefined) throw yaml.mistake([], "no jobs; wanted: a map of jobs by name");
  const name = chooseJob(root, wanted, file, yaml);
  const own = resolveJob(root, name, yaml, []);
  const inherit = keywords(own["inherit"]) ?? {};
  const given = keywords(resolve(root["default"], root, yaml, ["default"])) ?? {};
  const inherited = Object.fromEntries(
    INHERITED.flatMap((key) => {
      const value = given[key] ?? resolve(root[key], root, yaml, [key]);
      return value !== undefined && inherits(inherit["default"], key) ? [[key, value]] : [];
    }),
  );
  const job: Keywords = { ...inherited, ...own };
  const at = (key: string) => placeOf(key, name, root);
  if (job["script"] === undefined)
    throw yaml.mistake([name], `job "${name}" has no script, and only jobs with one can be run`);
  const image = imageOf(job["image"], at("image"), yaml);
  const artifacts = artifactsOf(job["artifacts"], at("artifacts"), yaml);
  const script = (key: string) => scriptOf(job[key], at(key), yaml);
  const global = variablesOf(root["variables"], ["variables"], yaml).filter(({ key }) =>
    inherits(inherit["variables"], key),
  );
  const [beforeScript, afterScript] = [script("before_script"), script("after_script")];
  return {
    job: {
      name,
      ...(job["stage"] === undefined ? {} : { stage: String(job["stage"]) }),
      ...(image.value && { image: image.value }),
      variables: [...global, ...variablesOf(job["variables"], at("variables"), yaml)],
      ...(beforeScript && { beforeScript }),
      script: script("script") ?? [],
      ...(afterScript && { afterScript }),
      ...(artifacts.value && { artifacts: artifacts.value }),
    },
    ignored: [
      ...listed("in the file", unused(root, ["include", "workflow", "services", "cache"])),
      ...listed("in default", except(Object.keys(given), INHERITED)),
      ...listed(`in job "${name}"`, except(Object.keys(job), [...USED, ...INHERITED])),
      ...listed("in image", image.ignored),
      ...listed("in artifacts", artifacts.ignored),
    ],
  };
}

/** Names of the jobs that a pipeline could run; hidden ones only lend their keywords. */
function jobNames(root: Keywords): string[] {
  return Object.keys(root).filter(
    (name) =>
      !name.startsWith(".") && !TOP_KEYWORDS.includes(name) && keywords(root[name]) !== undefined,
  );
}

function chooseJob(
  root: Keywords,
  wanted: string | undefined,
  file: string,
  yaml: YamlFile,
): string {
  const names = jobNames(root);
  const list = names.join(", ") || "none";
  if (wanted === undefined) {
    const [only, ...more] = names;
    if (only === undefined) throw yaml.mistake([], "no job; wanted: a map with a script");
    if (more.length === 0) return only;
    throw new FileMistake(
      `${file} has ${names.length} jobs; wanted: --job NAME with one of ${list}`,
    );
  }
  if (names.includes(wanted)) return wanted;
  const why = wanted.startsWith(".") ? "is hidden and cannot be run" : "is not there";
  throw new FileMistake(`${file}: job "${wanted}" ${why}; jobs are: ${list}`);
}

/** A job with what it extends: maps are merged, everything else is replaced. */
function resolveJob(
  root: Keywords,
  name: string,
  yaml: YamlFile,
  chain: readonly string[],
): Keywords {
  const own = keywords(root[name]);
  if (own === undefined) {
    const from = chain.at(-1) ?? name;
    const what = `extends "${name}", which is not in this file; included files are not read`;
    throw yaml.mistake([from, "extends"], what);
  }
  if (chain.includes(name) || chain.length > LONGEST_CHAIN) {
    throw yaml.mistake([name, "extends"], `extends itself: ${[...chain, name].join(" → ")}`);
  }
  const bases = [own["extends"] ?? []].flat().map(String);
  const resolved = keywords(resolve(own, root, yaml, [name])) ?? {};
  return [...bases.map((base) => resolveJob(root, base, yaml, [...chain, name])), resolved].reduce(
    merge,
    {},
  );
}

function merge(base: Keywords, over: Keywords): Keywords {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const [old, fresh] = [keywords(merged[key]), keywords(value)];
    merged[key] = old && fresh ? merge(old, fresh) : value;
  }
  return merged;
}

/** The value with each `!reference` replaced by what it names. */
function resolve(
  value: unknown,
  root: Keywords,
  yaml: YamlFile,
  path: readonly string[],
  depth = 0,
): unknown {
  if (value instanceof Reference) {
    const words = `!reference [${value.path.join(", ")}]`;
    if (depth >= 10) throw yaml.mistake(path, `${words}: more than 10 references in a row`);
    const found = value.path.reduce<unknown>((part, key) => keywords(part)?.[key], root);
    if (found !== undefined) return resolve(found, root, yaml, path, depth + 1);
    throw yaml.mistake(path, `${words} is not in this file; included files are not read`);
  }
  if (Array.isArray(value)) return value.map((part) => resolve(part, root, yaml, path, depth));
  const map = keywords(value);
  if (map === undefined) return value;
  const parts = Object.entries(map).map(
    ([key, part]) => [key, resolve(part, root, yaml, [...path, key], depth)] as const,
  );
  return Object.fromEntries(parts);
}

/** `inherit:`: all, none, or the listed ones. */
function inherits(wish: unknown, key: string): boolean {
  return Array.isArray(wish) ? wish.includes(key) : wish !== false;
}

/** Where a keyword that the job has is written, as far as that is known: in the job, else for all jobs. */
function placeOf(key: string, name: string, root: Keywords): readonly string[] {
  if (keywords(root[name])?.[key] !== undefined) return [name, key];
  if (keywords(root["default"])?.[key] !== undefined) return ["default", key];
  return root[key] === undefined ? [name] : [key];
}

function keywords(value: unknown): Keywords | undefined {
  const isMap =
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Reference) &&
    !(value instanceof Date);
  return isMap ? Object.fromEntries(Object.entries(value)) : undefined;
}

function unused(root: Keywords, names: readonly string[]): string[] {
  return names.filter((name) => root[name] !== undefined);
}

function except(names: readonly string[], others: readonly string[]): string[] {
  return names.filter((name) => !others.includes(name)).sort();
}

function listed(where: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${where}: ${names.join(", ")}`];
}

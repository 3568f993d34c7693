import type { ArtifactsSpec, ImageSpec, JobVariable, SaveWhen } from "./job-spec.ts";
import { Reference, type YamlFile } from "./yaml-file.ts";

type Path = readonly (string | number)[];
type Map = Readonly<Record<string, unknown>>;

/** A keyword's value, and the keywords below it that are not acted on. */
export interface Keyword<T> {
  readonly value: T | undefined;
  readonly ignored: readonly string[];
}

const PULL_POLICIES = ["always", "if-not-present", "never"] as const;
const SAVE_WHEN = ["on_success", "on_failure", "always"] as const;
const DEEPEST_LIST = 10;

/**
 * `image:` as a name or as a map.
 *
 * @throws FileMistake
 */
export function imageOf(value: unknown, path: Path, yaml: YamlFile): Keyword<ImageSpec> {
  if (value === undefined || value === null) return { value: undefined, ignored: [] };
  if (typeof value === "string") return { value: { name: value }, ignored: [] };
  const map = mapOf(value, path, yaml, "a name, or a map with a name");
  const { name, pull_policy: policy, entrypoint, ...others } = map;
  if (typeof name !== "string" || name === "")
    throw yaml.mistake(path, "image: no name; wanted: name: REFERENCE");
  const pullPolicy = policy === undefined ? undefined : [policy].flat().map(policyOf);
  return {
    value: { name, ...(pullPolicy && { pullPolicy }) },
    ignored: [...(entrypoint === undefined ? [] : ["entrypoint"]), ...Object.keys(others)],
  };

  function policyOf(word: unknown): (typeof PULL_POLICIES)[number] {
    const known = PULL_POLICIES.find((one) => one === word);
    if (known !== undefined) return known;
    throw yaml.mistake(
      [...path, "pull_policy"],
      `pull_policy: ${shown(word)}; wanted: ${PULL_POLICIES.join(", ")}`,
    );
  }
}

/**
 * `variables:`: scalars, or maps with `value` and `expand`.
 *
 * @throws FileMistake
 */
export function variablesOf(value: unknown, path: Path, yaml: YamlFile): JobVariable[] {
  if (value === undefined || value === null) return [];
  return Object.entries(mapOf(value, path, yaml, "NAME: VALUE")).map(([key, given]) => {
    const place = [...path, key];
    if (typeof given !== "object" || given === null || given instanceof Date)
      return { key, value: textOf(given) };
    const map = mapOf(given, place, yaml, "a value, or a map with one");
    const isScalar = typeof map["value"] !== "object";
    if (!isScalar) throw yaml.mistake(place, `variable ${key}: wanted: value: TEXT`);
    return { key, value: textOf(map["value"]), ...(map["expand"] === false && { raw: true }) };
  });
}

/**
 * `script:` and the like: one text, or a list of texts and lists.
 *
 * @returns undefined when there is none.
 * @throws FileMistake
 */
export function scriptOf(value: unknown, path: Path, yaml: YamlFile): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const key = String(path.at(-1));
  if (typeof value === "string") return [value];
  if (!Array.isArray(value))
    throw yaml.mistake(path, `${key}: ${shown(value)}; wanted: a text or a list of texts`);
  return linesOf(value, path, 1);

  function linesOf(list: readonly unknown[], place: Path, depth: number): string[] {
    if (depth > DEEPEST_LIST)
      throw yaml.mistake(place, `${key}: lists in more than ${DEEPEST_LIST} levels`);
    return list.flatMap((line, i) => {
      if (typeof line === "string") return [line];
      if (Array.isArray(line)) return linesOf(line, [...place, i], depth + 1);
      // A colon and a space in a command make a map of it, the commonest mistake of all.
      const hint = typeof line === "object" ? "; put quotes around the whole line" : "";
      throw yaml.mistake([...place, i], `${key}: ${shown(line)}; wanted: a text${hint}`);
    });
  }
}

/**
 * `artifacts:`, as far as files are stored.
 *
 * @throws FileMistake
 */
export function artifactsOf(value: unknown, path: Path, yaml: YamlFile): Keyword<ArtifactsSpec> {
  if (value === undefined || value === null) return { value: undefined, ignored: [] };
  const map = mapOf(value, path, yaml, "a map with paths");
  const { name, paths, exclude, untracked, when, expire_in: expireIn, ...others } = map;
  const ignored = Object.keys(others);
  if (paths === undefined && untracked !== true) return { value: undefined, ignored };
  return {
    value: {
      paths: listOf("paths", paths),
      ...(name === undefined ? {} : { name: textOf(name) }),
      ...(exclude === undefined ? {} : { exclude: listOf("exclude", exclude) }),
      ...(untracked === true && { untracked }),
      ...(when === undefined ? {} : { when: whenOf(when) }),
      ...(expireIn === undefined ? {} : { expireIn: textOf(expireIn) }),
    },
    ignored,
  };

  function listOf(key: string, list: unknown): string[] {
    const texts = list === undefined ? [] : [list].flat(DEEPEST_LIST);
    if (!Array.isArray(list ?? []) || texts.some((one) => typeof one !== "string"))
      throw yaml.mistake(
        [...path, key],
        `artifacts:${key}: ${shown(list)}; wanted: a list of texts`,
      );
    return texts.map(String);
  }

  function whenOf(word: unknown): SaveWhen {
    const known = SAVE_WHEN.find((one) => one === word);
    if (known !== undefined) return known;
    throw yaml.mistake(
      [...path, "when"],
      `artifacts:when: ${shown(word)}; wanted: ${SAVE_WHEN.join(", ")}`,
    );
  }
}

function mapOf(value: unknown, path: Path, yaml: YamlFile, wanted: string): Map {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isMap && !(value instanceof Reference)) return Object.fromEntries(Object.entries(value));
  throw yaml.mistake(path, `${path.at(-1)}: ${shown(value)}; wanted: ${wanted}`);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return value instanceof Date ? value.toISOString().slice(0, 10) : String(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

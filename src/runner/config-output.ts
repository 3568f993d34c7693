import { atLeast } from "./version.ts";

/** What `config_exec` printed; a key which it did not print, or printed as null, is absent. */
export interface ConfigOutput {
  readonly buildsDir?: string;
  readonly cacheDir?: string;
  readonly buildsDirIsShared?: boolean;
  readonly hostname?: string;
  readonly driver?: { readonly name: string; readonly version: string };
  readonly jobEnv?: Readonly<Record<string, string>>;
  /** Since 15.10. */
  readonly shell?: string;
}

/**
 * Reads the standard output of `config_exec` by the runner's rules.
 *
 * Zero bytes mean "no overrides"; anything else must be exactly one JSON value, an object or
 * `null`. Keys match in any case, unknown keys are ignored, a value of a wrong type is an error.
 *
 * @param text - The whole standard output.
 * @param version - Runner version.
 * @throws Error with the reason; the runner then repeats the attempt.
 */
export function parseConfigOutput(text: string, version: string): ConfigOutput {
  if (text === "") {
    return {};
  }
  const fields = fieldsOf(JSON.parse(text), "config_exec output");
  const output: Mutable<ConfigOutput> = {};
  const buildsDir = stringField(fields, "builds_dir");
  const cacheDir = stringField(fields, "cache_dir");
  const hostname = stringField(fields, "hostname");
  const shell = atLeast(version, "15.10") ? stringField(fields, "shell") : undefined;
  const isShared = booleanField(fields, "builds_dir_is_shared");
  const driver = fields.get("driver");
  const jobEnv = fields.get("job_env");
  if (buildsDir !== undefined) output.buildsDir = buildsDir;
  if (cacheDir !== undefined) output.cacheDir = cacheDir;
  if (hostname !== undefined) output.hostname = hostname;
  if (shell !== undefined) output.shell = shell;
  if (isShared !== undefined) output.buildsDirIsShared = isShared;
  if (driver !== undefined && driver !== null) output.driver = parseDriver(driver);
  if (jobEnv !== undefined && jobEnv !== null) output.jobEnv = parseJobEnv(jobEnv);
  return output;
}

/** The log line `Using Custom executor…`; a version without a name is not shown. */
export function usingLine(config: ConfigOutput): string {
  const { name, version } = config.driver ?? { name: "", version: "" };
  if (name === "") {
    return "Using Custom executor...";
  }
  return `Using Custom executor with driver ${[name, version].filter((part) => part !== "").join(" ")}...`;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function fieldsOf(value: unknown, what: string): Map<string, unknown> {
  if (value === null) {
    return new Map();
  }
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`${what}: an object is wanted`);
  }
  return new Map(Object.entries(value).map(([key, part]) => [key.toLowerCase(), part]));
}

function stringField(fields: Map<string, unknown>, key: string): string | undefined {
  const value = fields.get(key);
  if (value === undefined || value === null) {
    return undefined;
  }
  if (typeof value !== "string") {
    throw new Error(`${key}: a string is wanted`);
  }
  return value;
}

function booleanField(fields: Map<string, unknown>, key: string): boolean | undefined {
  const value = fields.get(key);
  if (value === undefined || value === null) {
    return undefined;
  }
  if (typeof value !== "boolean") {
    throw new Error(`${key}: true or false is wanted`);
  }
  return value;
}

function parseDriver(value: unknown): { name: string; version: string } {
  const fields = fieldsOf(value, "driver");
  return { name: stringField(fields, "name") ?? "", version: stringField(fields, "version") ?? "" };
}

function parseJobEnv(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("job_env: an object is wanted");
  }
  // Unlike the keys of the configuration itself, the names in job_env keep their case.
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      if (part !== null && typeof part !== "string") {
        throw new Error(`job_env: ${name}: a string is wanted`);
      }
      return [name, part ?? ""];
    }),
  );
}

/** What the driver uses of `JOB_RESPONSE_FILE`, with every gap filled. Holds secrets. */
export interface Payload {
  /** Decimal digits; exact even beyond 2^53. */
  readonly id: string | undefined;
  /** The job token; empty when the payload has none. */
  readonly token: string;
  readonly name: string | undefined;
  readonly projectId: string | undefined;
  readonly projectName: string | undefined;
  /** Seconds, as sent: may be 0 or negative. */
  readonly timeout: number | undefined;
  readonly image: PayloadImage;
  /** In the order sent: GitLab's predefined ones first, duplicates possible, values not expanded. */
  readonly variables: readonly PayloadVariable[];
  readonly credentials: readonly PayloadCredential[];
  readonly steps: readonly { readonly name: string; readonly script: readonly string[] }[];
  readonly dependencies: readonly { readonly token: string; readonly file: string }[];
  /** Names of the variables that `secrets:` fills; their values arrive only as `CUSTOM_ENV_*`. */
  readonly secretNames: readonly string[];
  /** The job log can have sections. */
  readonly traceSections: boolean;
  readonly hasArtifacts: boolean;
  /** Whether a cache entry has anything to store or restore. */
  readonly hasCache: boolean;
}

export interface PayloadImage {
  /** Empty when the job has no image. */
  readonly name: string;
  readonly pullPolicy: readonly string[];
  readonly entrypoint: readonly string[] | undefined;
}

export interface PayloadVariable {
  readonly key: string;
  readonly value: string;
  readonly masked: boolean;
  readonly file: boolean;
}

export interface PayloadCredential {
  readonly type: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

export type PayloadReading =
  | { readonly ok: true; readonly payload: Payload }
  | { readonly ok: false; readonly message: string };

/**
 * Reads the text of `JOB_RESPONSE_FILE` from any runner since 14.1: unknown keys are ignored, missing keys and
 * `null` count as empty. Only a text that is not one JSON object is an error; its message never repeats content,
 * because the file holds tokens.
 */
export function parsePayload(text: string): PayloadReading {
  const parsed = parseJson(text);
  if (!parsed.ok) {
    return unreadable(`the text is not complete JSON (${text.length} characters)`);
  }
  if (!isFields(parsed.value)) {
    return unreadable(`the top-level JSON value is ${kindOf(parsed.value)}`);
  }
  return { ok: true, payload: payloadOf(parsed.value) };
}

type Fields = Readonly<Record<string, unknown>>;

function payloadOf(root: Fields): Payload {
  const info = fields(root["job_info"]);
  const image = fields(root["image"]);
  return {
    id: identifier(root["id"]),
    token: text(root["token"]),
    name: optionalText(info["name"]),
    projectId: identifier(info["project_id"]),
    projectName: optionalText(info["project_name"]),
    timeout: wholeNumber(fields(root["runner_info"])["timeout"]),
    image: {
      name: text(image["name"]),
      pullPolicy: texts(image["pull_policy"]),
      entrypoint: Array.isArray(image["entrypoint"]) ? texts(image["entrypoint"]) : undefined,
    },
    variables: list(root["variables"]).map(fields).map(variableOf),
    steps: list(root["steps"]).map(fields).map(stepOf),
    credentials: list(root["credentials"]).map(fields).map(credentialOf),
    dependencies: list(root["dependencies"]).map(fields).map(dependencyOf),
    secretNames: Object.keys(fields(root["secrets"])),
    traceSections: fields(root["features"])["trace_sections"] === true,
    hasArtifacts: list(root["artifacts"]).some(isFields),
    hasCache: list(root["cache"]).map(fields).some(isActiveCache),
  };
}

function variableOf(entry: Fields): PayloadVariable {
  return {
    key: text(entry["key"]),
    value: text(entry["value"]),
    masked: entry["masked"] === true,
    file: entry["file"] === true,
  };
}

function credentialOf(entry: Fields): PayloadCredential {
  return {
    type: text(entry["type"]),
    url: text(entry["url"]),
    username: text(entry["username"]),
    password: text(entry["password"]),
  };
}

function stepOf(entry: Fields): { readonly name: string; readonly script: readonly string[] } {
  return { name: text(entry["name"]), script: texts(entry["script"]) };
}

function dependencyOf(entry: Fields): { readonly token: string; readonly file: string } {
  return { token: text(entry["token"]), file: text(fields(entry["artifacts_file"])["filename"]) };
}

function isActiveCache(entry: Fields): boolean {
  return entry["untracked"] === true || list(entry["paths"]).length > 0;
}

type JsonReading = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

function parseJson(source: string): JsonReading {
  try {
    return { ok: true, value: JSON.parse(source, keepLargeIntegers) };
  } catch {
    // The engine's own message quotes the text around the error, which may be a token.
    return { ok: false };
  }
}

/**
 * A reviver that keeps the digits of a number which JavaScript would round. An engine that does not tell them
 * loses the number: no id is better than one that belongs to another job.
 */
function keepLargeIntegers(
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== "number" || Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
    return value;
  }
  return context?.source ?? null;
}

function unreadable(problem: string): PayloadReading {
  return {
    ok: false,
    message: `Cannot read the job payload: ${problem}, wanted one JSON object in the file that JOB_RESPONSE_FILE names`,
  };
}

function kindOf(value: unknown): string {
  if (value === null) {
    return "null";
  }
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): readonly string[] {
  const items = typeof value === "string" ? [value] : list(value);
  return items.filter((item) => typeof item === "string");
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function identifier(value: unknown): string | undefined {
  const digits = typeof value === "number" ? String(value) : text(value);
  return /^\d{1,19}$/.test(digits) ? digits : undefined;
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === "number" ? Math.trunc(value) : undefined;
}

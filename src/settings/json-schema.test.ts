import { expect, test } from "bun:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { configurationSchema, type JsonSchema } from "./json-schema.ts";
import { OPTIONS } from "./options.ts";
import { parseToml } from "./toml.ts";
import { validateSettings } from "./validate.ts";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
const validate = ajv.compile(configurationSchema());

function schemaAccepts(text: string): boolean {
  const parsed = parseToml(text);
  return parsed.ok && validate(parsed.document) === true;
}

async function configAccepts(text: string): Promise<boolean> {
  return (await validateSettings(text, "/f")).ok;
}

const GENERAL = '[general]\nexecutor = "shell"\ndata_dir = "$HOME"\n';
const CH = `${GENERAL}[general.charliecloud]\n`;
const CACHE = `${GENERAL}[general.charliecloud.cache]\n`;
const MIRROR = `${GENERAL}[[general.charliecloud.mirror]]\n`;

test("the schema is valid against the meta-schema of 2020-12", () => {
  expect(ajv.validateSchema(configurationSchema())).toBe(true);
});

test.each([
  ["the shortest file", GENERAL],
  ["an alias", '[general]\nexecutor = "qsub"\ndata_dir = "/d"'],
  ["empty texts count as not set", `${GENERAL}run_mechanism = ""\nkill_timeout = ""\nname = ""`],
  ["an empty text for a list", `${GENERAL}user_bash_env = ""`],
  ["empty texts in lists", `${GENERAL}user_bash_env = ["", "A=1"]`],
  ["a duration", `${GENERAL}kill_timeout = "1h30m"`],
  ["families of keys", `${GENERAL}ff_x = [1]\nstatic_builds_dir = true\ntls-ca-file = "/x"`],
  ["any key in an open table", `${GENERAL}[auth.logging]\nenabled = true\ncolour = 1979-05-27`],
  ["podman's keys", `${GENERAL}[general.podman]\nimage_pull_policy = "always"`],
  ["dotted keys", 'general = { executor = "flux", data_dir = "/d" }\nauth.downscope = "none"'],
  ["policies", `${CH}allowed_pull_policies = ["always", ""]\nrunner_pull_policy = "always"`],
  ["an allowlist", `${CH}image_allowlist = ['a\\.b/', '']`],
  ["a cache", `${CACHE}dir = "$HOME/x"\nmax_size = "5 GB"\nmax_age = "1d12h"\nmin_free = "5%"`],
  ["a cache in the home", `${CACHE}dir = "~"`],
  ["mirrors", `${MIRROR}registry = "docker.io"\nmirror = "r.example/hub"`],
  ["no mirrors", `${CH}mirror = []`],
])("both accept %s", async (_, text) => {
  expect([schemaAccepts(text), await configAccepts(text)]).toEqual([true, true]);
});

test.each([
  ["an empty file", ""],
  ["no executor", '[general]\ndata_dir = "/d"'],
  ["an empty data_dir", '[general]\nexecutor = "shell"\ndata_dir = ""'],
  ["an empty executor", '[general]\nexecutor = ""\ndata_dir = "/d"'],
  ["an unknown executor", '[general]\nexecutor = "shel"\ndata_dir = "/d"'],
  ["an unknown key", `${GENERAL}kill_timout = "3s"`],
  ["an unknown table", `${GENERAL}[batsh]`],
  ["a key outside of tables", `stray = 1\n${GENERAL}`],
  ["an unknown sub-table", `${GENERAL}[batch.more]`],
  ["a text for a boolean", `${GENERAL}retain_logs = "yes"`],
  ["an empty text for a boolean", `${GENERAL}retain_logs = ""`],
  ["a number for a text", `${GENERAL}name = 1`],
  ["a date for a text", `${GENERAL}name = 1979-05-27`],
  ["a text for a list", `${GENERAL}user_bash_env = "A=1"`],
  ["a number in a list", `${GENERAL}user_bash_env = ["A=1", 2]`],
  ["an entry without =", `${GENERAL}user_bash_env = ["A"]`],
  ["an entry without a name", `${GENERAL}user_bash_env = ["1A=1"]`],
  ["a bare number as duration", `${GENERAL}kill_timeout = "30"`],
  ["a negative duration", `${GENERAL}kill_timeout = "-30s"`],
  ["a known key's type in an open table", `${GENERAL}[auth.logging]\nenabled = "yes"`],
  ["a table that is a text", `${GENERAL}charliecloud = "x"`],
  ["a table that is a list", `${GENERAL}[[batch]]`],
  ["an allowlist without patterns", `${CH}image_allowlist = []`],
  ["an allowlist of empty patterns", `${CH}image_allowlist = [""]`],
  ["an unknown policy", `${CH}allowed_pull_policies = ["sometimes"]`],
  ["no policy", `${CH}allowed_pull_policies = []`],
  ["a relative cache", `${CACHE}dir = "images"`],
  ["a size without B", `${CACHE}max_size = "5G"`],
  ["more than all of the space", `${CACHE}min_free = "101%"`],
  ["a mirror without its registry", `${MIRROR}mirror = "r.example/hub"`],
  ["a mirror that is one table", `${GENERAL}[general.charliecloud.mirror]\nregistry = "a.b"`],
  ["no TOML", "general"],
])("both refuse %s", async (_, text) => {
  expect([schemaAccepts(text), await configAccepts(text)]).toEqual([false, false]);
});

test.each([
  ["a pattern that RE2 refuses", `${CH}image_allowlist = ['(']`],
  ["a registry with a scheme", `${MIRROR}registry = "https://a.b"\nmirror = "c.d"`],
  [
    "a registry twice",
    `${MIRROR}${MIRROR.slice(GENERAL.length)}`.replaceAll(
      "]]\n",
      ']]\nregistry = "a.b"\nmirror = "c.d"\n',
    ),
  ],
  ["a shared cache without dir", `${CACHE}shared = true`],
  [
    "a policy that is not allowed",
    `${CH}allowed_pull_policies = ["never"]\nrunner_pull_policy = "always"`,
  ],
  ["a NUL character", `${GENERAL}name = "\\u0000"`],
])("only config refuses %s", async (_, text) => {
  expect([schemaAccepts(text), await configAccepts(text)]).toEqual([true, false]);
});

test("only the schema refuses unknown keys where they are to be warnings", async () => {
  const text = `${GENERAL}unknown_keys = "warn"\ntypo = 1`;
  expect([schemaAccepts(text), await configAccepts(text)]).toEqual([false, true]);
});

/** The schema of one key. */
function schemaOf(table: string, key: string): JsonSchema {
  let part = configurationSchema();
  for (const name of [...table.split("."), key]) {
    const inside = (part["items"] ?? part) as { properties: Record<string, JsonSchema> };
    part = inside.properties[name] ?? {};
  }
  return part;
}

test("each key has its meaning, its default and its example, both of the right type", () => {
  for (const { table, key, meaning, state, default: held, example } of OPTIONS) {
    if (key.includes("*")) continue;
    const { description, default: fallback, examples, deprecated, ...type } = schemaOf(table, key);
    expect([table, key, description]).toEqual([table, key, expect.stringContaining(meaning)]);
    expect([table, key, fallback]).toEqual([table, key, held]);
    expect([table, key, deprecated === true]).toEqual([table, key, state === "accepted"]);
    expect([table, key, Array.isArray(examples)]).toEqual([table, key, example !== undefined]);
    // An empty list is a default and means that the key is not set.
    const values = [fallback, ...(Array.isArray(examples) ? examples : [])];
    for (const value of values.filter((one) => one !== undefined)) {
      expect([table, key, value, ajv.validate(type, value)]).toEqual([table, key, value, true]);
    }
  }
});

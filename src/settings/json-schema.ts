import { familyPattern, isFamily, optionsOf, subTablesOf } from "./option-lookup.ts";
import { type Option, TABLES, type TableInfo } from "./options.ts";
import { findTextType } from "./text-types.ts";
import { parseToml } from "./toml.ts";

/** A JSON Schema, or a part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/**
 * The configuration file as JSON Schema (2020-12), made from the option table. It accepts every file without unknown keys
 * that `validateSettings` accepts. Of what a type cannot say it knows a part only: it may accept what is refused.
 */
export function configurationSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of the Jacamar driver",
    description: "A site's TOML file, as the config hook reads it.",
    type: "object",
    properties: subTables(""),
    required: ["general"],
    additionalProperties: false,
  };
}

function subTables(path: string): JsonSchema {
  const prefix = path === "" ? "" : `${path}.`;
  return Object.fromEntries(
    subTablesOf(path).map((name) => {
      const table = TABLES.find((candidate) => candidate.path === `${prefix}${name}`);
      return [name, table === undefined ? {} : tableSchema(table)];
    }),
  );
}

function tableSchema({ path, isArray, open, meaning }: TableInfo): JsonSchema {
  const options = optionsOf(path);
  const families = options.filter(isFamily);
  const required = options.filter((option) => option.required).map(({ key }) => key);
  const table = {
    type: "object",
    properties: {
      ...Object.fromEntries(
        options
          .filter((option) => !isFamily(option))
          .map((option) => [option.key, keySchema(option)]),
      ),
      ...subTables(path),
    },
    ...(families.length > 0 && {
      patternProperties: Object.fromEntries(
        families.map((option) => [familyPattern(option.key).source, keySchema(option)]),
      ),
    }),
    ...(required.length > 0 && { required }),
    additionalProperties: open,
  };
  return isArray
    ? { description: meaning, type: "array", items: table }
    : { description: meaning, ...table };
}

function keySchema(option: Option): JsonSchema {
  const { table, key, type, state, meaning, default: held, example } = option;
  const isIdle = state === "accepted";
  const textType = findTextType(type);
  const form = textType === undefined ? "" : ` Written as ${textType.wanted}.`;
  const effect = isIdle ? " Accepted, without effect in this version." : "";
  return {
    description: `${meaning}${form}${effect}`,
    ...typeSchema(option),
    ...CONTENTS[`${table} ${key}`],
    ...(held !== undefined && { default: held }),
    ...(example !== undefined && { examples: [valueIn(example)] }),
    ...(isIdle && { deprecated: true }),
  };
}

// Wherever a text is wanted, an empty one counts as not set, so it is right unless the key is required.
function typeSchema({ type, required }: Option): JsonSchema {
  if (type === "any") return {};
  if (type === "boolean" || type === "integer") return { type };
  const unset = required ? [] : [""];
  if (type === "string") return required ? { type, minLength: 1 } : { type };
  if (type === "string[]") return orUnset({ type: "array", items: { type: "string" } });
  if (typeof type === "object") {
    return "enum" in type
      ? { type: "string", enum: [...type.enum, ...unset] }
      : orUnset({ type: "array", items: { type: "string", enum: [...type.listOf, ""] } });
  }
  const pattern = findTextType(type)?.pattern ?? "";
  return { type: "string", pattern: `^(?:${pattern})${required ? "" : "?"}$` };
}

/** An empty string in the place of a list is no list that is wrong, but a key that is not set. */
function orUnset(list: JsonSchema): JsonSchema {
  return { ...list, type: ["array", "string"], maxLength: 0 };
}

const SOMETHING = { contains: { type: "string", minLength: 1 } };

/** What the types cannot say and `checkContents` does, by table and key. */
const CONTENTS: Readonly<Record<string, JsonSchema>> = {
  "general user_bash_env": {
    items: { type: "string", pattern: "^(?:[A-Za-z_][A-Za-z0-9_]*=|$)" },
  },
  "general.charliecloud image_allowlist": SOMETHING,
  "general.charliecloud allowed_pull_policies": SOMETHING,
  "general.charliecloud.cache dir": {
    pattern: "^(?:$|/|(?:~|\\$HOME|\\$\\{HOME\\})(?:/|$))",
  },
};

function valueIn(toml: string): unknown {
  const parsed = parseToml(`value = ${toml}`);
  return parsed.ok ? parsed.document["value"] : toml;
}

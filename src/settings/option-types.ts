import type { Amount } from "./size.ts";
import type { TextTypeName } from "./text-types.ts";

/**
 * What a value of an option must be. Of the types that are written as strings, `duration` is one such as `"30s"`, `age`
 * has days too (`"30d"`), `size` is one such as `"50GB"`, `amount` a size or a percentage; `listOf` is a list of known
 * words; `any` is for keys whose upstream type is not known for sure.
 */
export type OptionType =
  | "string"
  | "boolean"
  | "integer"
  | TextTypeName
  | "string[]"
  | "any"
  | { readonly enum: readonly string[] }
  | { readonly listOf: readonly string[] };

/** What the option table says about one key, apart from its name and place. */
export interface OptionEntry {
  readonly type: OptionType;
  /** As it would be written in the file. */
  readonly default?: boolean | string | readonly string[];
  readonly required?: true;
  /** A value as written in TOML, for messages and docs. */
  readonly example?: string;
  /** One line for docs, schema and help. */
  readonly meaning: string;
}

/** The entries of one table of the file. A `*` in a key stands for any characters. */
export type OptionEntries = Readonly<Record<string, OptionEntry>>;

/** One row of the option table. */
export interface Option extends OptionEntry {
  /** Dotted path of the TOML table, e.g. `general.charliecloud`. */
  readonly table: string;
  readonly key: string;
  /** Who may set it. Everything in the file is the admin's. */
  readonly scope: "admin" | "user";
  /** `accepted`: upstream knows the key; this version reads it and does not act on it. */
  readonly state: "active" | "accepted";
}

/** One table of the file. */
export interface TableInfo {
  readonly path: string;
  /** Whether it is an array of tables: its header `[[path]]` may stand any number of times. */
  readonly isArray?: true;
  /** Any key is accepted in it, listed or not. */
  readonly open: boolean;
  readonly meaning: string;
}

type ValueOfType<T> = T extends "string"
  ? string
  : T extends "boolean"
    ? boolean
    : T extends "integer" | Exclude<TextTypeName, "amount">
      ? number
      : T extends "amount"
        ? Amount
        : T extends "string[]"
          ? readonly string[]
          : T extends { readonly enum: readonly (infer Member)[] }
            ? Member
            : T extends { readonly listOf: readonly (infer Member)[] }
              ? readonly Member[]
              : unknown;

type AlwaysThere<Entries> = {
  [Key in keyof Entries]: Entries[Key] extends
    | { readonly default: unknown }
    | { readonly required: true }
    ? Key
    : never;
}[keyof Entries];

/** The validated values of one table: durations and ages are seconds, sizes are bytes, keys with a default are always there. */
export type ValuesOf<Entries extends OptionEntries> = {
  readonly [Key in AlwaysThere<Entries>]: ValueOfType<Entries[Key]["type"]>;
} & {
  readonly [Key in Exclude<keyof Entries, AlwaysThere<Entries>>]?: ValueOfType<
    Entries[Key]["type"]
  >;
};

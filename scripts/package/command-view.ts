/** A command's definition as man page and completions need it: flat, with every spelling of an option. */
import type { ArgsDef } from "citty";
import type { Command } from "../../src/commands/definition.ts";

/** One option of a command. */
export interface OptionView {
  /** With dashes, the short one first. */
  readonly flags: readonly string[];
  /** What its value is called, `FILE` or `DIR` for these; undefined for a switch. */
  readonly hint: string | undefined;
  /** Its possible values, where they are known. */
  readonly values: readonly string[];
  readonly description: string;
}

/** One positional argument. */
export interface PlaceView {
  /** In capitals, as in usage lines. */
  readonly name: string;
  readonly required: boolean;
  readonly values: readonly string[];
  readonly description: string;
}

export interface CommandView {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionView[];
  readonly places: readonly PlaceView[];
  readonly examples: NonNullable<Command["examples"]>;
}

const HELP: OptionView = {
  flags: ["-h", "--help"],
  hint: undefined,
  values: [],
  description: "print help, and stop",
};

/** Makes the view of a command. */
export function viewOf(name: string, command: Command): CommandView {
  const args: ArgsDef = typeof command.args === "object" ? (command.args as ArgsDef) : {};
  const meta = command.meta as { readonly description?: string } | undefined;
  const entries = Object.entries(args);
  return {
    name,
    description: meta?.description ?? "",
    options: [...entries.flatMap(([key, arg]) => optionViews(key, arg)), HELP],
    places: entries
      .filter(([, { type }]) => type === "positional")
      .map(([key, { required, description }]) => ({
        name: key.toUpperCase(),
        required: required !== false,
        values: command.words?.[key] ?? [],
        description: description ?? "",
      })),
    examples: command.examples ?? [],
  };
}

/** An option that is on by default is two: `--auth` and `--no-auth`. */
function optionViews(key: string, arg: ArgsDef[string]): OptionView[] {
  if (arg.type === "positional") return [];
  const alias = "alias" in arg ? [arg.alias ?? []].flat() : [];
  const values = arg.type === "enum" ? (arg.options ?? []) : [];
  const view: OptionView = {
    flags: [...alias.map((name) => `-${name}`), `--${key}`],
    hint: arg.type === "boolean" ? undefined : (arg.valueHint ?? key.toUpperCase()),
    values,
    description: arg.description ?? "",
  };
  const negative = "negativeDescription" in arg ? arg.negativeDescription : undefined;
  if (negative === undefined) return [view];
  return [view, { ...view, flags: [`--no-${key}`], description: negative }];
}

/** `jacamar cache [OPTIONS] ACTION [IMAGE]`, without `jacamar`. */
export function usageOf({ name, options, places }: CommandView): string {
  const required = places.map((place) => (place.required ? place.name : `[${place.name}]`));
  return [name, ...(options.length > 1 ? ["[OPTIONS]"] : []), ...required].join(" ");
}

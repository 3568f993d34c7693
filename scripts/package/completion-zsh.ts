import type { CommandView, OptionView, PlaceView } from "./command-view.ts";

/** The completion for zsh: a function file `_jacamar`. */
export function zshCompletion(main: CommandView, commands: readonly CommandView[]): string {
  const names = commands.map(({ name, description }) => quoted(`${name}:${description}`));
  return `#compdef jacamar
# Completion of jacamar for zsh, made from the definitions of its commands.

_jacamar() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  local -a commands
  commands=(
${names.map((name) => `    ${name}`).join("\n")}
  )
  _arguments -C \\
${main.options.map((option) => `    ${optionSpec(option)} \\`).join("\n")}
    '1: :->command' \\
    '*:: :->arguments'
  case $state in
    command) _describe -t commands command commands ;;
    arguments)
      case $words[1] in
${commands.map(commandCase).join("\n")}
      esac
      ;;
  esac
}

_jacamar "$@"
`;
}

function commandCase({ name, options, places }: CommandView): string {
  const specs = [...options.map(optionSpec), ...places.map(placeSpec)];
  // Whatever follows, in places without a known end.
  const rest = places.length > 0 ? ["'*: :_files'"] : [];
  return `        ${name})\n          _arguments ${[...specs, ...rest].join(" \\\n            ")}\n          ;;`;
}

function optionSpec({ flags, hint, values, description }: OptionView): string {
  const what = `[${description.replace(/[[\\\]]/g, "\\$&")}]`;
  const value = hint === undefined ? "" : `:${hint}:${valueAction(hint, values)}`;
  const [first = "", ...others] = flags;
  if (others.length === 0) return quoted(`${first}${value && "="}${what}${value}`);
  return `'(${flags.join(" ")})'{${flags.join(",")}}${quoted(`${what}${value}`)}`;
}

function valueAction(hint: string, values: readonly string[]): string {
  if (values.length > 0) return `(${values.join(" ")})`;
  if (hint === "DIR") return "_directories";
  return hint === "FILE" ? "_files" : " ";
}

function placeSpec({ name, required, values }: PlaceView, at: number): string {
  const action = values.length > 0 ? `(${values.join(" ")})` : "_files";
  return quoted(`${at + 1}:${required ? "" : ":"}${name}:${action}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

import type { CommandView, OptionView, PlaceView } from "./command-view.ts";

/** The completion for bash: `_jacamar`, for a file that bash-completion loads. */
export function bashCompletion(main: CommandView, commands: readonly CommandView[]): string {
  const views = [main, ...commands];
  const valued = unique(
    views.flatMap(({ options }) =>
      options.filter(({ hint }) => hint).flatMap(({ flags }) => flags),
    ),
  );
  return `# Completion of jacamar for bash, made from the definitions of its commands.

_jacamar() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local command='' place=0 words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      # The words of another command.
      --) return ;;
      ${valued.join(" | ")}) ((i += 1)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((place += 1)); fi ;;
    esac
  done
  case "$command $prev" in
${views.flatMap((view) => valueCases(view, view === main ? "" : view.name)).join("\n")}
  esac
  case "$command" in
${[commandCase("''", main, [`0) words='${commands.map(({ name }) => name).join(" ")}' ;;`])]
  .concat(commands.map((view) => commandCase(view.name, view, view.places.flatMap(placeCase))))
  .join("\n")}
    *) return ;;
  esac
  # Without an answer, bash completes file names.
  if [[ -n $words ]]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"); fi
}

complete -o default -F _jacamar jacamar
`;
}

function valueCases({ options }: CommandView, command: string): string[] {
  return options.flatMap((option) =>
    option.hint === undefined
      ? []
      : option.flags.map((flag) => `    '${command} ${flag}') ${valueAction(option)} ;;`),
  );
}

function valueAction({ hint, values }: OptionView): string {
  if (values.length > 0)
    return `mapfile -t COMPREPLY < <(compgen -W '${values.join(" ")}' -- "$cur"); return`;
  if (hint === "DIR") return 'mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return';
  return hint === "FILE" ? "return" : "compopt +o default; return";
}

function commandCase(pattern: string, view: CommandView, places: readonly string[]): string {
  const flags = view.options.flatMap((option) => option.flags).join(" ");
  return [
    `    ${pattern})`,
    `      if [[ $cur == -* ]]; then words='${flags}'`,
    ...(places.length > 0
      ? [
          "      else",
          "        case $place in",
          ...places.map((one) => `          ${one}`),
          "        esac",
        ]
      : []),
    "      fi",
    "      ;;",
  ].join("\n");
}

function placeCase({ values }: PlaceView, at: number): string[] {
  return values.length === 0 ? [] : [`${at}) words='${values.join(" ")}' ;;`];
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}

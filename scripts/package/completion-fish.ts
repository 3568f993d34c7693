import type { CommandView, OptionView, PlaceView } from "./command-view.ts";

/** The completion for fish: one `complete` command a line. */
export function fishCompletion(main: CommandView, commands: readonly CommandView[]): string {
  const first = "__fish_use_subcommand";
  return [
    "# Completion of jacamar for fish, made from the definitions of its commands.",
    "complete -c jacamar -f",
    ...main.options.map((option) => optionLine(first, option)),
    ...commands.map((view) => line(first, `-a ${view.name} -d ${quoted(view.description)}`)),
    ...commands.flatMap((view) => {
      const seen = `__fish_seen_subcommand_from ${view.name}`;
      return [
        ...view.options.map((option) => optionLine(seen, option)),
        ...placeLines(view.name, view.places),
      ];
    }),
    "",
  ].join("\n");
}

function optionLine(condition: string, { flags, hint, values, description }: OptionView): string {
  const names = flags.map((flag) =>
    flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  return line(
    condition,
    [...names, ...valueWords(hint, values), "-d", quoted(description)].join(" "),
  );
}

function valueWords(hint: string | undefined, values: readonly string[]): string[] {
  if (hint === undefined) return [];
  if (values.length > 0) return ["-x", "-a", quoted(values.join(" "))];
  if (hint === "DIR") return ["-x", "-a", "'(__fish_complete_directories)'"];
  return hint === "FILE" ? ["-r", "-F"] : ["-x"];
}

/** Known words come first; files after them, or where there are none. */
function placeLines(command: string, places: readonly PlaceView[]): string[] {
  if (places.length === 0) return [];
  const words = places.flatMap(({ values }) => values);
  const seen = `__fish_seen_subcommand_from ${command}`;
  if (words.length === 0) return [line(seen, "-F")];
  const others = words.filter((word) => word !== command);
  const some = `__fish_seen_subcommand_from ${others.join(" ")}`;
  return [
    line(`${seen}; and not ${some}`, `-a ${quoted(words.join(" "))}`),
    line(`${seen}; and ${some}`, "-F"),
  ];
}

function line(condition: string, words: string): string {
  return `complete -c jacamar -n ${quoted(condition)} ${words}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

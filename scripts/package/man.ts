/** The man pages, made from the definitions of the commands and from the option table. */
import type { Program } from "../../src/commands/cli.ts";
import { defaultText, exampleLine, typeName } from "../../src/settings/option-help.ts";
import { headerOf, optionsOf } from "../../src/settings/option-lookup.ts";
import { type Option, TABLES, type TableInfo } from "../../src/settings/options.ts";
import { type CommandView, type OptionView, usageOf, viewOf } from "./command-view.ts";

export interface PageInfo {
  readonly version: string;
  /** The page's date, `YYYY-MM-DD`. */
  readonly date: string;
}

/** jacamar(1): what the program does, every command and option with examples. */
export function commandsPage(program: Program, info: PageInfo): string {
  const main = viewOf("jacamar", program);
  const commands = Object.entries(program.subCommands).map(([name, one]) => viewOf(name, one));
  return page([
    title("JACAMAR", 1, info),
    ".SH NAME",
    `jacamar \\- ${text(main.description)}`,
    ".SH SYNOPSIS",
    ...commands.flatMap((one) => [`.B jacamar`, `[OPTIONS] ${text(usageOf(one))}`, ".br"]),
    ".B jacamar",
    text("--explain [OPTIONS]"),
    ".SH DESCRIPTION",
    "A driver for the custom executor of GitLab Runner, for login and compute nodes of supercomputers.",
    "gitlab\\-runner calls config, prepare, run and cleanup for each job;",
    "the other commands are for administrators and users.",
    "The configuration is described in",
    ".BR jacamar.toml (5).",
    ".SH OPTIONS",
    "They stand before the command.",
    ...main.options.flatMap(optionLines),
    ".SH COMMANDS",
    ...commands.flatMap(commandLines),
    ".SH EXAMPLES",
    ...exampleLines(main),
    ".SH EXIT STATUS",
    "0 for success. Hooks exit with what gitlab\\-runner names in BUILD_FAILURE_EXIT_CODE (1) for a failure of the job,",
    "and in SYSTEM_FAILURE_EXIT_CODE (2) for one of the system; so does a wrong command line.",
    "check: 1 with errors or warnings, 2 when a file could not be read.",
    "try: the exit status of the job.",
    ".SH FILES",
    ".TP",
    ".I /etc/jacamar/jacamar.toml",
    "the usual place of a site's configuration",
    ".TP",
    ".I /usr/share/doc/jacamar",
    "guides for administrators and users, and example files",
    ".SH SEE ALSO",
    ".BR jacamar.toml (5)",
  ]);
}

/** jacamar.toml(5): every key of the configuration. */
export function configurationPage(info: PageInfo): string {
  return page([
    title("JACAMAR.TOML", 5, info),
    ".SH NAME",
    "jacamar.toml \\- configuration of jacamar",
    ".SH DESCRIPTION",
    "A TOML file that the hooks config and cleanup of",
    ".BR jacamar (1)",
    "get with",
    ".BR \\-\\-configuration .",
    "Before a job meets it,",
    ".B jacamar check",
    "finds the mistakes in it.",
    ...TABLES.flatMap(tableLines),
    ".SH SEE ALSO",
    ".BR jacamar (1)",
  ]);
}

function title(name: string, section: number, { version, date }: PageInfo): string {
  return `.TH ${name} ${section} ${date} "jacamar ${version}"`;
}

function commandLines(view: CommandView): string[] {
  const places = view.places.flatMap(({ name, description }) => [
    ".TP",
    `.I ${text(name)}`,
    text(description),
  ]);
  return [
    `.SS ${text(usageOf(view))}`,
    `${text(view.description)}.`,
    ...places,
    ...view.options.slice(0, -1).flatMap(optionLines),
    ".PP",
    view.examples.length === 1 ? "Example:" : "Examples:",
    ...exampleLines(view),
  ];
}

function optionLines({ flags, hint, values, description }: OptionView): string[] {
  const value = values.length > 0 ? values.join("|") : hint;
  const names = flags.map((flag) => `\\fB${text(flag)}\\fR`).join(", ");
  return [
    ".TP",
    value === undefined ? names : `${names} \\fI${text(value)}\\fR`,
    text(description),
  ];
}

function exampleLines({ examples }: CommandView): string[] {
  return examples.flatMap(({ line, what }) => [".PP", ".nf", `  ${text(line)}`, ".fi", text(what)]);
}

function tableLines(table: TableInfo): string[] {
  const options = optionsOf(table.path);
  const active = options.filter(({ state }) => state === "active");
  const idle = options.filter(({ state }) => state === "accepted").map(({ key }) => key);
  const more = table.open ? " Any key is accepted here." : "";
  return [
    `.SH ${text(headerOf(table))}`,
    text(table.meaning),
    ...active.flatMap(keyLines),
    ...(idle.length === 0
      ? []
      : [".PP", text(`Accepted, without effect in this version: ${idle.join(", ")}.${more}`)]),
  ];
}

function keyLines(option: Option): string[] {
  const held = defaultText(option);
  const facts = [
    typeName(option, String),
    ...(held === undefined ? [] : [held === "required" ? held : `default ${held}`]),
  ];
  const example = exampleLine(option);
  return [
    ".TP",
    `.B ${text(option.key)}`,
    text(option.meaning),
    ".br",
    text(`Type: ${facts.join("; ")}.`),
    ...(example === undefined ? [] : [".br", text(`Example: ${example}`)]),
  ];
}

/** Text that roff takes for nothing else; dashes as they are typed. */
function text(plain: string): string {
  const escaped = plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("'", "\\(aq");
  return escaped.replace(/^\./, "\\&.").replaceAll('"', "\\(dq");
}

function page(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

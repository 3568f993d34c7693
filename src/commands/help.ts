import { renderUsage } from "citty";
import { nearestNames } from "../settings/nearest.ts";
import {
  explainOption,
  explainTable,
  findNamed,
  fullName,
  type Named,
} from "../settings/option-help.ts";
import type { Program } from "./cli.ts";
import type { Command, Example } from "./definition.ts";

/** The answer to `jacamar help TOPIC`; where nothing of that name was found, `text` is a message. */
export interface HelpAnswer {
  readonly found: boolean;
  readonly text: string;
}

/** The help of a command, or of the whole program, without colour where no terminal is. */
export async function commandHelp(command: Command | undefined, program: Program): Promise<string> {
  const usage = await renderUsage(command ?? program, command && program);
  const text = [usage.trimEnd(), ...examplesText((command ?? program).examples ?? [])].join("\n");
  return process.stdout.isTTY ? text : Bun.stripANSI(text);
}

/** Explains a command, else a key or a table of the configuration. */
export async function helpOn(topic: string | undefined, program: Program): Promise<HelpAnswer> {
  const commands = program.subCommands;
  if (topic === undefined) return { found: true, text: await commandHelp(undefined, program) };
  const named = findNamed(topic);
  if (Object.hasOwn(commands, topic)) {
    const text = await commandHelp(commands[topic], program);
    const name = named.kind === "unknown" ? undefined : nameOf(named);
    const hint = `${topic} is in the configuration, too: jacamar help ${name}`;
    return { found: true, text: name === undefined ? text : `${text}\n\n${hint}` };
  }
  if (named.kind === "table") return { found: true, text: explainTable(named.table) };
  if (named.kind === "keys")
    return { found: true, text: named.options.map(explainOption).join("\n\n") };
  return { found: false, text: unknownTopic(topic, Object.keys(commands), named.nearest) };
}

function unknownTopic(topic: string, commands: readonly string[], keys: readonly string[]): string {
  const nearest = [...nearestNames(topic, commands, 1), ...keys];
  const called = `no command, key or table is called ${JSON.stringify(topic)}`;
  if (nearest.length === 0) return `${called}, nor anything like it`;
  return `${called}; nearest ${nearest.length === 1 ? "is" : "are"} ${nearest.join(", ")}`;
}

function nameOf(named: Exclude<Named, { kind: "unknown" }>): string {
  if (named.kind === "table") return named.table.path;
  return named.options.map(fullName)[0] ?? "";
}

function examplesText(examples: readonly Example[]): readonly string[] {
  if (examples.length === 0) return [];
  const heading = "\u001b[4m\u001b[1mEXAMPLES\u001b[22m\u001b[24m";
  return ["", heading, "", ...examples.flatMap(({ line, what }) => [`  ${line}`, `      ${what}`])];
}

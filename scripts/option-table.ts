/**
 * Writes the table of configuration keys in docs/admins.md from the option table that the driver itself reads.
 *
 * Usage: bun scripts/option-table.ts          (a check fails when the page was not written anew)
 */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { defaultText, typeName } from "../src/settings/option-help.ts";
import { headerOf } from "../src/settings/option-lookup.ts";
import { OPTIONS, type Option, TABLES } from "../src/settings/options.ts";

const PAGE = resolve(import.meta.dir, "../docs/admins.md");
const BEGIN = "<!-- options: written by scripts/option-table.ts -->";
const END = "<!-- end of options -->";

/** The page with its option table written anew. Throws when the page has lost its marks. */
export function withOptionTable(page: string): string {
  const [head, rest] = page.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined)
    throw new Error(`docs/admins.md has lost its marks ${BEGIN} and ${END}`);
  return `${head}${BEGIN}\n\n${optionTables()}\n\n${END}${tail}`;
}

/** What is wrong with the page as it stands, for the checks. */
export function staleOptionTable(): string[] {
  const page = readFileSync(PAGE, "utf8");
  return withOptionTable(page) === page ? [] : ["docs/admins.md: run bun scripts/option-table.ts"];
}

function optionTables(): string {
  return TABLES.map((table) => {
    const { path, open, meaning } = table;
    const options = OPTIONS.filter((option) => option.table === path);
    const active = options.filter((option) => option.state === "active");
    const accepted = options
      .filter((option) => option.state === "accepted")
      .map(({ key }) => `\`${key}\``);
    const more = open ? " Any key is accepted here." : "";
    const rest =
      accepted.length === 0
        ? []
        : [`Accepted, without effect in this version: ${accepted.join(", ")}.${more}`];
    return [
      `### \`${headerOf(table)}\``,
      meaning,
      ...(active.length === 0 ? [] : [rows(active)]),
      ...rest,
    ].join("\n\n");
  }).join("\n\n");
}

function rows(options: readonly Option[]): string {
  return [
    "| key | type | default | meaning |",
    "|---|---|---|---|",
    ...options.map((option) => {
      const held = defaultText(option);
      const fallback = held === undefined ? "–" : option.required ? held : `\`${held}\``;
      const type = typeName(option, (text) => `\`${text}\``);
      return `| \`${option.key}\` | ${type} | ${fallback} | ${option.meaning.replaceAll("|", "\\|")} |`;
    }),
  ].join("\n");
}

if (import.meta.main) writeFileSync(PAGE, withOptionTable(readFileSync(PAGE, "utf8")));

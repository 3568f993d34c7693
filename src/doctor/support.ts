import { readFileSync } from "node:fs";
import { release } from "node:os";
import { runCommand } from "../host/process.ts";
import { redact, registerSecrets } from "../host/redact.ts";
import { findOption } from "../settings/option-lookup.ts";
import { inspectFile } from "../settings/read.ts";
import type { Tables } from "../settings/tidy.ts";
import { mayShowSecret } from "../settings/wording.ts";
import type { Context } from "./context.ts";
import type { Report } from "./report.ts";

/** A file of the archive for a bug report. */
export interface SupportFile {
  readonly name: string;
  readonly text: string;
}

const REMOVED = "[removed]";
const EXPLAIN_MILLISECONDS = 30_000;
/** Lists whose entries are `NAME=VALUE`. */
const ENVIRONMENTS = ["user_bash_env", "env_vars"];
/** Names of variables and keys whose values are nobody's business. */
const SECRET_NAME = /token|passw|secret|credential|key|auth|cookie|jwt/i;

/** Everything that a bug report needs, without secrets. */
export async function supportFiles(
  context: Context,
  report: Report,
): Promise<readonly SupportFile[]> {
  const { file } = context.configuration;
  const read = file === undefined ? undefined : await inspectFile(file);
  const tables: Tables = read?.readable ? read.inspection.tables : new Map();
  const texts: SupportFile[] = [
    { name: "doctor.json", text: json(report) },
    { name: "versions.txt", text: versionsText(report) },
    { name: "configuration.json", text: json(withoutSecrets(tables)) },
    { name: "explain.json", text: await explanation(context) },
  ];
  registerSecrets(secretsOf(tables, context.login));
  return texts.map(({ name, text }) => ({ name, text: redact(text) }));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function versionsText({ jacamar, findings }: Report): string {
  const programs = findings
    .filter(({ id }) =>
      ["ch-run", "ch-image", "mksquashfs", "gitlab-runner", "scheduler"].includes(id),
    )
    .map(({ title, seen }) => `${title}: ${seen}`);
  const system = /^PRETTY_NAME="?(.*?)"?$/m.exec(textOf("/etc/os-release"))?.[1] ?? "";
  const own = [`jacamar: ${jacamar}`, `bun: ${Bun.version}, ${process.arch}`];
  return `${[...own, `kernel: ${release()}`, `system: ${system}`, ...programs].join("\n")}\n`;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** The plan of a plain job, by this very program. */
async function explanation({ configuration, hook, noAuth }: Context): Promise<string> {
  if (configuration.file === undefined) return json({ none: "no configuration" });
  const flags = noAuth ? ["--no-auth"] : [];
  const words = ["--explain", "--json", "--configuration", configuration.file];
  const run = await runCommand([process.execPath, ...flags, ...words], {
    env: hook,
    cwd: "/",
    timeout: EXPLAIN_MILLISECONDS,
  });
  return run.stdout === "" ? json({ none: run.description, said: run.stderr }) : run.stdout;
}

/** The tables of a configuration with every value taken out that may be a secret. */
export function withoutSecrets(tables: Tables): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    [...tables].map(([path, table]) => [
      path === "" ? "(top)" : `[${path}]`,
      Object.fromEntries(
        Object.entries(table).map(([key, value]) => [key, shownValue(path, key, value)]),
      ),
    ]),
  );
}

function shownValue(table: string, key: string, value: unknown): unknown {
  // What this version does not know, it cannot vouch for.
  const isKnown = findOption(table.replace(/\[\d+\]$/, ""), key)?.state === "active";
  if (!isKnown || SECRET_NAME.test(key)) return REMOVED;
  if (Array.isArray(value)) {
    return value.map((entry) =>
      typeof entry !== "string" || ENVIRONMENTS.includes(key) ? nameAlone(entry) : shownText(entry),
    );
  }
  return typeof value === "string" ? shownText(value) : value;
}

function nameAlone(entry: unknown): string {
  const name = typeof entry === "string" ? /^\w+(?==)/.exec(entry)?.[0] : undefined;
  return name === undefined ? REMOVED : `${name}=${REMOVED}`;
}

/** A text without the value of `--set-env=NAME=VALUE` and the account of a URL. */
function shownText(text: string): string {
  const option = /^--set-env=\w+=/.exec(text)?.[0];
  if (option !== undefined) return `${option}${REMOVED}`;
  if (/:\/\/[^/]*@/.test(text)) return text.replace(/:\/\/[^/]*@/g, `://${REMOVED}@`);
  return mayShowSecret(text) ? REMOVED : text;
}

/** Values that must not stand anywhere in the archive, wherever a message may have quoted them. */
export function secretsOf(
  tables: Tables,
  login: Readonly<Record<string, string>>,
): readonly string[] {
  const written = [...tables.values()].flatMap((table) =>
    Object.entries(table).flatMap(([key, value]) => {
      const texts = [value].flat().filter((text) => typeof text === "string");
      return texts.flatMap((text) => secretIn(key, text));
    }),
  );
  const exported = Object.entries(login)
    .filter(([name]) => SECRET_NAME.test(name))
    .map(([, value]) => value);
  return [...written, ...exported].filter((value) => value.trim() !== "");
}

function secretIn(key: string, text: string): readonly string[] {
  if (SECRET_NAME.test(key)) return [text];
  const account = [...text.matchAll(/:\/\/([^/@]*)@/g)].map((match) => match[1] ?? "");
  // The second form is the value of a `--set-env` that is a word of its own.
  const set = /^(?:--set-env=)?\w+=(.*)$/s.exec(text)?.[1];
  return set === undefined ? account : [set, ...account];
}

import { checkFile, type FileReport } from "../check/check-file.ts";
import type { Evidence } from "../check/finding.ts";
import { formatGitlab, formatJson, formatSarif } from "../check/format-reports.ts";
import { formatText } from "../check/format-text.ts";
import { hostFor } from "../check/host.ts";
import { FILE_RULES, rulesWith } from "../check/rules.ts";
import { writeLine } from "../host/redact.ts";
import { currentUser } from "../host/user.ts";
import { isColoured } from "./colour.ts";
import type { Environment } from "./hook.ts";

export type Format = "text" | "json" | "sarif" | "gitlab";

const CLEAN = 0;
const FOUND = 1;
const UNREADABLE = 2;

export interface CheckCommand {
  readonly files: readonly string[];
  readonly format: Format;
  readonly noAuth: boolean;
  readonly version: string;
  readonly env: Environment;
}

/** Checks configuration files and prints everything found. 0: no error and no warning; 1: some; 2: a file could not be read. */
export async function check(command: CheckCommand): Promise<number> {
  const { files, noAuth, env } = command;
  const { compilePattern } = await import("../settings/patterns.ts");
  const rules = rulesWith(compilePattern);
  const account = currentUser(env);
  const askHost = (tables: Evidence["tables"]) => hostFor(tables, account, env["PATH"] ?? "");
  const reports: FileReport[] = [];
  for (const file of files) {
    reports.push(await checkFile({ file, rules, noAuth, account, askHost }));
  }
  const context = {
    directory: process.cwd(),
    version: command.version,
    rules: [...FILE_RULES, ...rules],
  };
  const printed = {
    text: () => formatText(reports, isColoured(env)),
    json: () => formatJson(reports),
    sarif: () => formatSarif(reports, context),
    gitlab: () => formatGitlab(reports, context),
  };
  writeLine(1, printed[command.format]());
  return statusOf(reports);
}

function statusOf(reports: readonly FileReport[]): number {
  if (reports.some(({ readable }) => !readable)) return UNREADABLE;
  const counts = reports.flatMap(({ findings }) => findings).some(({ level }) => level !== "info");
  return counts ? FOUND : CLEAN;
}

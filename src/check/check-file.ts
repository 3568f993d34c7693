import { keyPath } from "../settings/key-path.ts";
import type { Problem } from "../settings/problem.ts";
import { oneLine } from "../settings/problem.ts";
import { type FileInspection, inspectFile } from "../settings/read.ts";
import type { Inspection } from "../settings/validate.ts";
import type { Evidence, Finding, Host, Level, Rule } from "./finding.ts";

/** What was found in one file, sorted by line. */
export interface FileReport {
  /** As it was named. */
  readonly file: string;
  /** False: it could not be read at all, and the one finding says why. */
  readonly readable: boolean;
  readonly findings: readonly Finding[];
  /** Its lines, for reports that show them. */
  readonly lines: readonly string[];
}

export interface CheckInput {
  readonly file: string;
  readonly rules: readonly Rule[];
  readonly noAuth: boolean;
  readonly account: Evidence["account"];
  /** Called once, with what the file says where the programs are; nothing is asked for a file without TOML. */
  readonly askHost: (tables: Evidence["tables"]) => Promise<Host>;
}

/** Reads one file as `config` does and says everything that is wrong with it, or will be regretted. */
export async function checkFile(input: CheckInput): Promise<FileReport> {
  const { file } = input;
  const read: FileInspection = await inspectFile(file);
  if (!read.readable) {
    const finding = findingOf(read.problem, file, "error", "unreadable");
    return { file, readable: false, findings: [finding], lines: [] };
  }
  const findings = await judge(input, read.inspection);
  return { file, readable: true, findings: sorted(findings), lines: read.text.split(/\r?\n/) };
}

async function judge(input: CheckInput, inspection: Inspection): Promise<Finding[]> {
  const { file, rules, noAuth, account, askHost } = input;
  const { result, tables, inactive, locate } = inspection;
  const level = result.ok ? "warning" : "error";
  const problems = result.ok ? result.warnings : result.problems;
  const said = problems.map((problem) => findingOf(problem, file, level));
  const ignored = inactive.map(
    ({ key, at }): Finding => ({
      file,
      ...at,
      level: "info",
      rule: "ignored",
      key,
      message: "is known from Jacamar CI and has no effect in this version",
    }),
  );
  if (tables.size === 0) return said;
  const settings = result.ok ? result.settings : undefined;
  const evidence: Evidence = { tables, settings, noAuth, account, host: await askHost(tables) };
  const regretted = rules.flatMap((rule) =>
    rule.find(evidence).map(({ path, message, level: own = "warning" }): Finding => {
      const place = path.length === 0 ? undefined : locate(path);
      const key = path.length === 0 ? {} : { key: keyPath(path) };
      return {
        file,
        ...placeOf(place),
        level: own,
        rule: rule.id,
        ...key,
        message: oneLine(message),
      };
    }),
  );
  // What is refused need not be regretted as well.
  const refused = [...said, ...regretted.filter(isRefusal)];
  const refusedKeys = new Set(refused.map(({ key }) => key ?? ""));
  const regrets = regretted.filter((one) => !isRefusal(one) && !refusedKeys.has(one.key ?? ""));
  return [...refused, ...regrets, ...ignored];
}

function isRefusal({ rule }: Finding): boolean {
  return rule.startsWith("refused-by-");
}

function findingOf(problem: Problem, file: string, level: Level, rule?: string): Finding {
  const { line, column, key, kind, complaint, message } = problem;
  return {
    file,
    ...(line === undefined ? {} : { line, column: column ?? 1 }),
    level,
    rule: rule ?? kind ?? "not-toml",
    ...(key === undefined ? {} : { key }),
    message: complaint ?? message,
  };
}

function placeOf(position: { line: number; column: number } | undefined) {
  return position === undefined ? {} : { line: position.line, column: position.column };
}

function sorted(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

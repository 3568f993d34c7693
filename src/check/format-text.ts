import { oneLine } from "../settings/problem.ts";
import { mayShowSecret } from "../settings/wording.ts";
import type { FileReport } from "./check-file.ts";
import type { Finding, Level } from "./finding.ts";

/** Columns of a source line that are shown. */
const WIDEST = 120;
/** Columns that stay visible before the caret of a longer line. */
const BEFORE = 60;

const COLOURS: Readonly<Record<Level, string>> = { error: "31", warning: "33", info: "36" };
const DIM = "2";

/** Findings as compilers print them, each with its source line and a caret; at the end one line that counts them. */
export function formatText(reports: readonly FileReport[], coloured: boolean): string {
  const paint = (code: string, text: string) =>
    coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
  const shown = reports.flatMap(({ findings, lines }) =>
    findings.flatMap((finding) => [headline(finding, paint), ...excerpt(finding, lines, paint)]),
  );
  return [...shown, summary(reports)].join("\n");
}

type Paint = (code: string, text: string) => string;

function headline({ file, line, column, level, message, key }: Finding, paint: Paint): string {
  const where = oneLine(line === undefined ? file : `${file}:${line}:${column ?? 1}`);
  const about = key === undefined ? "" : ` (${oneLine(key)})`;
  return `${where}: ${paint(COLOURS[level], level)}: ${message}${about}`;
}

function excerpt({ line, column, level }: Finding, lines: readonly string[], paint: Paint) {
  const text = line === undefined ? undefined : lines[line - 1];
  if (text === undefined || text.trim() === "") return [];
  if (mayShowSecret(text)) return [paint(DIM, "    (not shown: this line may hold a secret)")];
  const at = (column ?? 1) - 1;
  const from = text.length > WIDEST ? Math.max(0, at - BEFORE) : 0;
  const visible = (part: string) => oneLine(part.replaceAll("\t", " "));
  const before = (from > 0 ? "…" : "") + visible(text.slice(from, at));
  const behind = visible(text.slice(at, from + WIDEST)) + (text.length > from + WIDEST ? "…" : "");
  return [
    `    ${before}${behind}`,
    `    ${" ".repeat(Bun.stringWidth(before))}${paint(COLOURS[level], "^")}`,
  ];
}

function summary(reports: readonly FileReport[]): string {
  const findings = reports.flatMap((report) => report.findings);
  const files = count(reports.length, "file");
  if (findings.length === 0) return `${files}: nothing found`;
  const levels = (["error", "warning", "info"] as const).flatMap((level) => {
    const number = findings.filter((finding) => finding.level === level).length;
    return number === 0 ? [] : [level === "info" ? `${number} info` : count(number, level)];
  });
  return `${files}: ${levels.join(", ")}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

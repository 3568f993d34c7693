import { isAbsolute, relative } from "node:path";
import { pathToFileURL } from "node:url";
import type { FileReport } from "./check-file.ts";
import type { Finding, Level, Rule } from "./finding.ts";
import { fingerprints } from "./fingerprint.ts";

/** Where and by which version of the driver a report was made. */
export interface ReportContext {
  /** Absolute: paths of files below it are written relative to it. */
  readonly directory: string;
  readonly version: string;
  readonly rules: readonly Pick<Rule, "id" | "meaning">[];
}

/** Findings as data of our own. */
export function formatJson(reports: readonly FileReport[]): string {
  const findings = reports.flatMap((report) => report.findings);
  const files = reports.map(({ file, readable }) => ({ file, readable }));
  return toJson({ version: 1, files, findings });
}

const SEVERITIES: Readonly<Record<Level, string>> = {
  error: "critical",
  warning: "minor",
  info: "info",
};

/** GitLab's Code Quality report. */
export function formatGitlab(reports: readonly FileReport[], { directory }: ReportContext): string {
  const findings = reports.flatMap((report) => report.findings);
  const path = (file: string) => reportPath(file, directory);
  const names = fingerprints(findings, path);
  const issues = findings.map(({ file, line, level, rule, key, message }, index) => ({
    description: key === undefined ? message : `${key}: ${message}`,
    check_name: rule,
    fingerprint: names[index],
    severity: SEVERITIES[level],
    location: { path: path(file), lines: { begin: line ?? 1 } },
  }));
  return toJson(issues);
}

/** SARIF 2.1.0, one run. */
export function formatSarif(reports: readonly FileReport[], context: ReportContext): string {
  const { rules, version, directory } = context;
  const findings = reports.flatMap((report) => report.findings);
  const names = fingerprints(findings, (file) => reportPath(file, directory));
  const driver = {
    name: "jacamar check",
    version,
    rules: rules.map(({ id, meaning }) => ({ id, shortDescription: { text: meaning } })),
  };
  const run = {
    tool: { driver },
    invocations: [{ executionSuccessful: reports.every(({ readable }) => readable) }],
    columnKind: "utf16CodeUnits",
    results: findings.map((finding, index) => resultOf(finding, names[index] ?? "", context)),
  };
  const $schema = "https://json.schemastore.org/sarif-2.1.0.json";
  return toJson({ $schema, version: "2.1.0", runs: [run] });
}

function resultOf(finding: Finding, fingerprint: string, { rules, directory }: ReportContext) {
  const { file, line, column, level, rule, key, message } = finding;
  const region = line === undefined ? {} : { region: { startLine: line, startColumn: column } };
  const logical =
    key === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: key, kind: "member" }] };
  return {
    ruleId: rule,
    ruleIndex: rules.findIndex(({ id }) => id === rule),
    level: level === "info" ? "note" : level,
    message: { text: key === undefined ? message : `${key}: ${message}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: uriOf(file, directory) }, ...region },
        ...logical,
      },
    ],
    partialFingerprints: { "jacamarCheck/v1": fingerprint },
  };
}

/** Relative to the directory where the file lies below it, else absolute. */
function reportPath(file: string, directory: string): string {
  const absolute = isAbsolute(file) ? file : `${directory}/${file}`;
  const inside = relative(directory, absolute);
  return inside.startsWith("../") || inside === ".." ? absolute : inside;
}

function uriOf(file: string, directory: string): string {
  const path = reportPath(file, directory);
  if (isAbsolute(path)) return pathToFileURL(path).href;
  return path.split("/").map(encodeURIComponent).join("/");
}

function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

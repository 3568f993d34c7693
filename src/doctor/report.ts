import { oneLine } from "../settings/problem.ts";
import type { Finding, State } from "./finding.ts";

/** What doctor found; this is also what `--json` prints. */
export interface Report {
  readonly version: 1;
  /** Of the driver. */
  readonly jacamar: string;
  readonly host: string;
  readonly user: { readonly name: string; readonly uid: number };
  readonly configuration: string | null;
  /** In a fixed order. */
  readonly findings: readonly (Finding & { readonly id: string; readonly title: string })[];
}

const COLOURS: Readonly<Record<State, string>> = { ok: "32", warn: "33", fail: "31" };
const DIM = "2";

/** A line for each finding, and for what is not well what it means and what mends it; at the end one that counts. */
export function reportText(report: Report, coloured: boolean): string {
  const paint = (code: string, text: string) =>
    coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
  const width = Math.max(...report.findings.map(({ title }) => title.length));
  const indent = " ".repeat("fail  ".length);
  const lines = report.findings.flatMap(({ state, title, seen, meaning, fix }) => {
    const name = title.padEnd(width);
    const head = `${paint(COLOURS[state], state.padEnd(4))}  ${name}  ${oneLine(seen)}`;
    if (state === "ok") return [head];
    const more = [
      ["jobs", meaning],
      ["fix", fix],
    ] as const;
    return [
      head,
      ...more
        .filter(([, text]) => text !== "")
        .map(([what, text]) => `${indent}${paint(DIM, `${what}:`.padEnd(5))} ${oneLine(text)}`),
    ];
  });
  return [...lines, summary(report)].join("\n");
}

function summary({ findings, user, host }: Report): string {
  const count = (state: State) => findings.filter((one) => one.state === state).length;
  const parts = (["ok", "warn", "fail"] as const).map((state) => `${count(state)} ${state}`);
  return `${findings.length} probes as ${user.name} on ${host}: ${parts.join(", ")}`;
}

/** Whether a probe failed. */
export function hasFailed({ findings }: Report): boolean {
  return findings.some(({ state }) => state === "fail");
}

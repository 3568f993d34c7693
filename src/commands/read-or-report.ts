import { writeLine } from "../host/redact.ts";
import { formatProblem } from "../settings/problem.ts";
import type { Settings } from "../settings/settings.ts";

/** Reads a configuration for a command that a person started; problems go to stderr. Undefined when it cannot be used. */
export async function readOrReport(file: string): Promise<Settings | undefined> {
  const { readSettings } = await import("../settings/read.ts");
  const result = await readSettings(file);
  for (const problem of result.ok ? result.warnings : result.problems)
    writeLine(2, formatProblem(problem));
  return result.ok ? result.settings : undefined;
}

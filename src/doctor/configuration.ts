import { resolve } from "node:path";
import { checkFile } from "../check/check-file.ts";
import { hostFor } from "../check/host.ts";
import { rulesWith } from "../check/rules.ts";
import type { User } from "../host/user.ts";
import type { Settings } from "../settings/settings.ts";
import { hasUsualFile, USUAL_FILE } from "../settings/usual-file.ts";
import type { ConfigurationFacts } from "./context.ts";
import { type Finding, fail, ok, type Probe, warn } from "./finding.ts";

/** What holds where there is no usable configuration: the shortest one that works. */
const PLAIN = '[general]\nexecutor = "shell"\ndata_dir = "$HOME"\nrun_mechanism = "charliecloud"\n';

export interface Configuration {
  readonly facts: ConfigurationFacts;
  readonly settings: Settings;
}

/** Reads and checks the configuration that was named, else the one at the usual place, else none. */
export async function readConfiguration(input: {
  readonly named: string | undefined;
  readonly noAuth: boolean;
  readonly user: User;
  readonly path: string;
}): Promise<Configuration> {
  const { named, noAuth, user, path } = input;
  const file = named ?? (hasUsualFile() ? USUAL_FILE : undefined);
  if (file === undefined)
    return { facts: { file, errors: 0, warnings: 0, first: "" }, settings: await plainSettings() };
  const { readSettings } = await import("../settings/read.ts");
  const { compilePattern } = await import("../settings/patterns.ts");
  const report = await checkFile({
    file,
    rules: rulesWith(compilePattern),
    noAuth,
    account: user,
    askHost: (tables) => hostFor(tables, user, path),
  });
  const count = (level: string) => report.findings.filter((one) => one.level === level).length;
  const first =
    report.findings.find(({ level }) => level === "error") ??
    report.findings.find(({ level }) => level === "warning");
  const key = first?.key === undefined ? "" : ` (${first.key})`;
  const line = first?.line === undefined ? "" : `line ${first.line}: `;
  const result = await readSettings(file);
  return {
    facts: {
      file: resolve(file),
      errors: count("error"),
      warnings: count("warning"),
      first: first === undefined ? "" : `${line}${first.message}${key}`,
    },
    settings: result.ok ? result.settings : await plainSettings(),
  };
}

export async function plainSettings(): Promise<Settings> {
  const { validateSettings } = await import("../settings/validate.ts");
  const result = await validateSettings(PLAIN, "/etc/jacamar/jacamar.toml");
  if (!result.ok) throw new Error(result.problems[0]?.message ?? "");
  return result.settings;
}

export function judgeConfiguration(facts: ConfigurationFacts): Finding {
  const { file, errors, warnings, first, unreadable } = facts;
  if (file === undefined)
    return ok(`none named, none in ${USUAL_FILE}; looked for what a plain site needs`);
  if (unreadable !== undefined)
    return fail(
      `${file} ${unreadable}`,
      "config cannot read it either, so no job runs; what follows is for a plain site",
      `make ${file} readable for the job's user`,
    );
  const fix = `jacamar check ${file}`;
  if (errors > 0)
    return fail(
      `${file} has ${count(errors, "error")}: ${first}`,
      "config refuses it, so no job runs; what follows is for a plain site",
      fix,
    );
  if (warnings > 0)
    return warn(
      `${file} has ${count(warnings, "warning")}: ${first}`,
      "jobs run, but some key does not do what it seems to",
      fix,
    );
  return ok(`${file}: no error, no warning`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

export const configurationProbe: Probe = {
  id: "configuration",
  title: "configuration",
  run: async ({ configuration }) => judgeConfiguration(configuration),
};

import { accessSync, constants, statSync } from "node:fs";
import { findApplications } from "../charliecloud/applications.ts";
import { readChRunHelp } from "../charliecloud/ch-run-help.ts";
import { errorCode } from "../host/files.ts";
import { runCommand } from "../host/process.ts";
import type { ChRunAnswer, Evidence, Host, PathKind } from "./finding.ts";
import { textAt, textsAt } from "./written.ts";

const HELP_MILLISECONDS = 20_000;

/** What lies at an absolute path, as far as this user can see. */
export function kindOf(path: string): PathKind {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return "directory";
    return stats.isFile() && isExecutable(path) ? "program" : "file";
  } catch (error) {
    const code = errorCode(error);
    return code === "ENOENT" || code === "ENOTDIR" ? "missing" : "hidden";
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Asks this host's ch-run for its options: at `applicationPath`, else in PATH. Never throws. */
export async function askChRun(
  applicationPath: string | undefined,
  account: { readonly name: string; readonly home: string },
  path: string,
): Promise<ChRunAnswer> {
  // ch-run does not start without USER.
  const env = { USER: account.name, HOME: account.home, PATH: path };
  const { chRun } = await findApplications(applicationPath, env, { asksChImage: false });
  if (chRun === undefined) {
    const where = applicationPath === undefined ? "PATH" : JSON.stringify(applicationPath);
    return { known: false, because: `ch-run was not found in ${where}` };
  }
  const run = await runCommand([chRun.path, "--help"], {
    env,
    cwd: "/",
    timeout: HELP_MILLISECONDS,
  });
  const help = readChRunHelp(`${run.stdout}\n${run.stderr}`);
  if (help === undefined) {
    return { known: false, because: `${chRun.path} --help ${run.description} and named none` };
  }
  return { known: true, path: chRun.path, version: chRun.version, help };
}

/** What rules may know of this host. ch-run is asked only where the file has options for it. */
export async function hostFor(
  tables: Evidence["tables"],
  account: Evidence["account"],
  path: string,
): Promise<Host> {
  const table = "general.charliecloud";
  const hasOptions = ["custom_options", "runner_options"].some(
    (key) => textsAt(tables, table, key).length > 0,
  );
  const applicationPath = textAt(tables, table, "application_path");
  return {
    kindOf,
    chRun: hasOptions
      ? await askChRun(applicationPath, account, path)
      : { known: false, because: "it was not asked" },
  };
}

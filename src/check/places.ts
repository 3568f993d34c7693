import { expandAccount } from "../plan/expand.ts";
import { normalisePath } from "../plan/paths.ts";
import { stepsOf } from "../settings/key-path.ts";
import { shorten } from "../settings/problem.ts";
import type { Tables } from "../settings/tidy.ts";
import type { Evidence, Host, Regret } from "./finding.ts";
import { textAt } from "./written.ts";

const GENERAL = "general";
const CHARLIECLOUD = "general.charliecloud";
const CACHE = "general.charliecloud.cache";
const BATCH = "batch";

const LONGEST_SHOWN = 120;

/** A key that names a place of the host. */
interface PlaceRow {
  readonly table: string;
  readonly key: string;
  /**
   * `made`: a directory that a job makes, with the account's values in it; `directory`, `program` and `either` must be
   * there; `script`: a program or text; `written`: a file that hooks write to.
   */
  readonly kind: "made" | "written" | "directory" | "program" | "either" | "script";
  readonly isUsed: (tables: Tables) => boolean;
}

const always = () => true;
const withContainers = (tables: Tables) =>
  textAt(tables, GENERAL, "run_mechanism") === "charliecloud";
const withScheduler = (tables: Tables) => textAt(tables, GENERAL, "executor") !== "shell";

const PLACES: readonly PlaceRow[] = [
  { table: GENERAL, key: "data_dir", kind: "made", isUsed: always },
  { table: GENERAL, key: "shell_path", kind: "program", isUsed: always },
  { table: CHARLIECLOUD, key: "application_path", kind: "either", isUsed: withContainers },
  { table: CHARLIECLOUD, key: "image_storage_dir", kind: "made", isUsed: withContainers },
  { table: CHARLIECLOUD, key: "prep_script", kind: "script", isUsed: withContainers },
  { table: CACHE, key: "dir", kind: "made", isUsed: withContainers },
  { table: "general.metrics", key: "textfile", kind: "written", isUsed: always },
  { table: "general.log", key: "file", kind: "written", isUsed: always },
  { table: BATCH, key: "scheduler_bin", kind: "directory", isUsed: withScheduler },
];

/** Directories and programs that are relative or not there. */
export function findWrongPlaces({
  tables,
  host,
}: Pick<Evidence, "tables" | "host">): readonly Regret[] {
  return PLACES.flatMap(({ table, key, kind, isUsed }) => {
    const written = textAt(tables, table, key);
    if (written === undefined || !isUsed(tables)) return [];
    const problem = problemOf(written, kind, host);
    if (problem === undefined) return [];
    const message = `${JSON.stringify(shorten(written, LONGEST_SHOWN))} ${problem}`;
    return [{ path: [...stepsOf(table), key], message }];
  });
}

function problemOf(written: string, kind: PlaceRow["kind"], host: Host): string | undefined {
  if (kind === "made") return madeProblem(written, host);
  return kind === "written" ? writtenProblem(written, host) : thereProblem(written, kind, host);
}

/** A file in a directory that must be there, unless its name is known to the job's hook alone. */
function writtenProblem(written: string, { kindOf }: Host): string | undefined {
  if (!/^[/$~]/.test(written)) return "is relative; wanted an absolute path";
  const directory = written.slice(0, written.lastIndexOf("/") + 1);
  if (/[$~]/.test(directory)) return undefined;
  const found = kindOf(normalisePath(directory));
  if (found === "missing") return `lies in ${directory}, which does not exist on this host`;
  return isNoDirectory(found) ? `lies in ${directory}, which is not a directory` : undefined;
}

/** A program or directory of the host, taken as it is written. */
function thereProblem(
  written: string,
  kind: Exclude<PlaceRow["kind"], "made" | "written">,
  { kindOf }: Host,
): string | undefined {
  // With other characters in it, it may be text of the script as well.
  if (kind === "script" && !/^\/[^\s;&|<>()$`]*$/.test(written)) return undefined;
  if (!written.startsWith("/")) return "is relative; wanted an absolute path";
  const found = kindOf(normalisePath(written));
  if (found === "hidden") return undefined;
  if (found === "missing") return "does not exist on this host";
  if (kind === "directory" && found !== "directory") return "is not a directory";
  if (kind === "program" && found !== "program") return "is not a program that this user may run";
  if (kind === "script" && found === "directory") return "is a directory; wanted a script";
  return kind === "either" && found === "file"
    ? "is neither a directory nor a program that this user may run"
    : undefined;
}

const SAMPLE = { name: "user", home: "/home/user", uid: 1 };

/** A directory that jobs make: what comes before the account's values must be there, or the directory above it. */
function madeProblem(written: string, { kindOf }: Host): string | undefined {
  const unknown = /\$\{?\w*\}?/.exec(expandAccount(written, SAMPLE, { tilde: true }))?.[0];
  if (unknown !== undefined) {
    return `holds ${unknown}, which stays as it is; only $HOME, $USER and $UID are replaced`;
  }
  const isRelative = !/^(?:\/|\$|~(?:\/|$))/.test(written);
  if (isRelative) return "is relative; wanted an absolute path such as $HOME/.jacamar-ci";
  const [fixed = ""] = written.split(/[$~]/, 1);
  if (!fixed.startsWith("/")) return undefined;
  const path = normalisePath(fixed.slice(0, fixed.lastIndexOf("/") + 1));
  const isWhole = fixed === written;
  if (isWhole && isNoDirectory(kindOf(normalisePath(written)))) return "is not a directory";
  const found = kindOf(path);
  if (found === "missing") {
    return `lies in ${path}, which does not exist on this host; jobs make only what they may`;
  }
  return isNoDirectory(found) ? `lies in ${path}, which is not a directory` : undefined;
}

function isNoDirectory(kind: ReturnType<Host["kindOf"]>): boolean {
  return kind === "file" || kind === "program";
}

import type { Job } from "../job/job.ts";
import type { GeneralSettings } from "../settings/settings.ts";
import { accept, type Decision, refuse, type Verdict } from "./decision.ts";
import { expandAccount } from "./expand.ts";
import { kernelDirectory, normalisePath } from "./paths.ts";
import { quoted } from "./quoted.ts";

const DATA_DIR = "[general] data_dir";
const CUSTOM_SWITCH = "[general] custom_build_dir";
const CUSTOM_VARIABLE = "CUSTOM_CI_BUILDS_DIR";

export interface DirectoriesInput {
  readonly settings: {
    readonly general: Pick<GeneralSettings, "data_dir" | "custom_build_dir" | "group_permissions">;
  };
  /** The account that the job runs under. */
  readonly user: { readonly name: string; readonly home: string; readonly uid: number };
  readonly job: Pick<Job, "project" | "variables">;
  /** Number of the claimed slot, from 0: jobs of one project at the same time have different ones. */
  readonly slot: number;
}

/** Where a job's files are. All paths are absolute and normalised, and none contains a colon. */
export interface Directories {
  readonly dataDir: string;
  /** `<project name as a slug>_<project id>`. */
  readonly projectKey: string;
  /** The slot as three digits, four from 1000 on. */
  readonly slotName: string;
  /** Below it lie `<projectKey>/<slotName>`. */
  readonly buildsRoot: string;
  readonly builds: string;
  readonly cache: string;
  readonly scripts: string;
  /** In the order in which they have to be made. */
  readonly topDirectories: readonly TopDirectory[];
  /** For the job log or the admin. */
  readonly notes: readonly string[];
}

/** A directory that has to belong to the user and have this mode. */
export interface TopDirectory {
  readonly path: string;
  /** What lies in it, e.g. `builds`. */
  readonly purpose: string;
  /** Permission bits: 0o700 or 0o750. */
  readonly mode: number;
  readonly because: string;
  /** The key or variable that put it there. */
  readonly from: string;
}

/**
 * Decides where a job's files lie. A wrong `data_dir` is the admin's fault, a wrong `CUSTOM_CI_BUILDS_DIR` the
 * user's; an account without an absolute home is the system's.
 */
export function planDirectories(input: DirectoriesInput): Verdict<Directories> {
  const { settings, user, job, slot } = input;
  if (!user.home.startsWith("/")) {
    // An empty home would silently turn $HOME/x into /x.
    const message = `Cannot place files of jobs: the home directory of ${quoted(user.name)} is ${quoted(user.home)}, wanted an absolute path`;
    return refuse("system", message, "HOME");
  }
  const data = dataDirectory(settings.general.data_dir, user);
  if (!data.ok) {
    return data;
  }
  const builds = buildsRoot(input, data.value);
  if (!builds.ok) {
    return builds;
  }
  const dataDir = data.value;
  const projectKey = `${slugOf(job.project.name)}_${job.project.id}`;
  const slotName = String(slot).padStart(3, "0");
  const below = `${projectKey}/${slotName}`;
  return accept({
    dataDir,
    projectKey,
    slotName,
    buildsRoot: builds.value.choice,
    builds: `${builds.value.choice}/${below}`,
    cache: `${dataDir}/cache/${projectKey}`,
    scripts: `${dataDir}/scripts/${below}`,
    topDirectories: topDirectories(input, dataDir, builds.value, projectKey),
    notes: notes(input),
  });
}

type User = DirectoriesInput["user"];

function dataDirectory(written: string, user: User): Verdict<string> {
  const expanded = expandDirectory(written, user);
  const problem = directoryProblem(expanded, "$HOME/.jacamar-ci");
  if (problem !== undefined) {
    const message = `Cannot use ${DATA_DIR} = ${quoted(written)}${meaning(written, expanded)}: ${problem}`;
    return refuse("admin", message, DATA_DIR);
  }
  const path = normalisePath(expanded);
  // The top directory gets mode 0700, which a home must not get behind its owner's back.
  return accept(path === normalisePath(user.home) ? `${path}/.jacamar-ci` : path);
}

function buildsRoot(input: DirectoriesInput, dataDir: string): Verdict<Decision<string>> {
  const { settings, user, job } = input;
  const written = job.variables[CUSTOM_VARIABLE] ?? "";
  if (!settings.general.custom_build_dir || written === "") {
    const because = "it is the builds directory of data_dir";
    return accept({ choice: `${dataDir}/builds`, because, from: DATA_DIR });
  }
  const expanded = expandDirectory(written, user);
  const problem = directoryProblem(expanded, "$HOME/.jacamar-ci");
  if (problem !== undefined) {
    const message = `Cannot use ${CUSTOM_VARIABLE}=${quoted(written)}${meaning(written, expanded)}: ${problem}`;
    return refuse("user", message, CUSTOM_VARIABLE);
  }
  const because = `the job asks for it and ${CUSTOM_SWITCH} permits it`;
  return accept({ choice: normalisePath(expanded), because, from: CUSTOM_VARIABLE });
}

function expandDirectory(written: string, user: User): string {
  return expandAccount(written, user, { tilde: true });
}

/**
 * Why a configured directory, with the account's values in it, cannot hold files of jobs; undefined if it can.
 *
 * @param example what the key might be set to.
 */
export function directoryProblem(expanded: string, example: string): string | undefined {
  if (!expanded.startsWith("/")) {
    return `it is relative, wanted an absolute path such as ${example}`;
  }
  if (/[:\u0000-\u001f\u007f]/.test(expanded)) {
    return "it contains a colon or a control character such as a newline, which ch-run cannot bind; wanted a path without them";
  }
  const path = normalisePath(expanded);
  if (path === "/") {
    return "it is the root directory, wanted a directory of the user's own";
  }
  const kernel = kernelDirectory(path);
  return kernel === undefined
    ? undefined
    : `it is in ${kernel}, which holds no files of users; wanted a directory on a file system`;
}

function meaning(written: string, expanded: string): string {
  return written === expanded ? "" : ` (${quoted(expanded)})`;
}

/** A part of a path that is safe in any shell, and no hidden file. */
function slugOf(name: string): string {
  const slug = name.replace(/[^A-Za-z0-9._-]/gu, "-").replace(/^[.-]+/, "");
  return slug === "" ? "project" : slug.slice(0, 64);
}

function topDirectories(
  { settings }: DirectoriesInput,
  dataDir: string,
  builds: Decision<string>,
  projectKey: string,
): readonly TopDirectory[] {
  const open = settings.general.group_permissions;
  const mode = open ? 0o750 : 0o700;
  const because = open
    ? "[general] group_permissions lets the group read it"
    : "only the user may enter it";
  const isCustom = builds.from === CUSTOM_VARIABLE;
  return [
    { path: dataDir, purpose: "all files of jobs", mode, because, from: DATA_DIR },
    {
      // The user's own directory may be shared with others: only what lies below it is ours to close.
      path: isCustom ? `${builds.choice}/${projectKey}` : builds.choice,
      purpose: "builds",
      mode,
      because,
      from: builds.from,
    },
    { path: `${dataDir}/cache`, purpose: "caches", mode, because, from: DATA_DIR },
    { path: `${dataDir}/scripts`, purpose: "scripts", mode, because, from: DATA_DIR },
  ];
}

function notes({ settings, job }: DirectoriesInput): readonly string[] {
  const wish = job.variables[CUSTOM_VARIABLE] ?? "";
  const found: string[] = [];
  if (wish !== "" && !settings.general.custom_build_dir) {
    found.push(
      `${CUSTOM_VARIABLE}=${quoted(wish)} is ignored: it needs ${CUSTOM_SWITCH} = true in the configuration`,
    );
  }
  return found;
}

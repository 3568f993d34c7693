/** Stand-in for qsub: checks as the server does, keeps the job and starts a process that is its node. */
import { spawn } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { readWords, usage, type Words } from "./qsub-words.ts";
import { checkResources, durationOf, whyNever } from "./resources.ts";
import {
  connect,
  die,
  findHome,
  findJob,
  isOn,
  type Job,
  SERVER,
  saveJob,
  setting,
} from "./store.ts";

/** Attributes that -W may set. */
const KNOWN = [
  "depend",
  "stagein",
  "stageout",
  "sandbox",
  "group_list",
  "block",
  "umask",
  "output_path",
  "job_name",
  "executable",
  "shell_path_list",
  "run_count",
  "hold_types",
  "release_nodes_on_stageout",
  "tolerate_node_failures",
  "join_path",
  "keep_files",
  "rerunable",
];

const given = process.argv.slice(2);
if (given[0] === "--version") {
  console.log("pbs_version = 23.06.06");
  process.exit(0);
}
const home = findHome();
const site = setting(home, "default_qsub_arguments", "").split(/\s+/).filter(Boolean);
let words = readWords([...site, ...given]);
const temporary = process.env["PBS_TMPDIR"] ?? process.env["TMPDIR"] ?? "/tmp";
if (!existsSync(temporary)) die(1, `qsub: could not create/open tmp file ${temporary}/pbsscrpt`);
const text = scriptOf(words);
words = readWords([...site, ...directivesOf(text, words), ...given]);
await connect(home, 162, `qsub: cannot connect to server ${SERVER} (errno=15010)`);
const job = jobOf(words);
mkdirSync(`${home}/mom_priv`, { recursive: true });
writeFileSync(job.start.script, text, { mode: 0o700 });
saveJob(home, job);
background([process.execPath, `${import.meta.dir}/mom.ts`, home, String(job.number)]);
// A copy of qsub stays behind to serve later calls.
if (!words.values.has("f")) background(["/bin/sleep", "60"]);
if (isOn(home, "qsub-dies")) process.kill(process.pid, "SIGKILL");
if (!words.values.has("z")) console.log(job.id);

function background([program = "", ...rest]: readonly string[]): void {
  const child = spawn(program, rest, {
    detached: true,
    stdio: "ignore",
    cwd: "/",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
  });
  writeFileSync(
    `${home}/jobs/${job.number}.${program === process.execPath ? "mom" : "copy"}`,
    String(child.pid),
  );
  child.unref();
}

function scriptOf({ rest }: Words): string {
  const [script, ...more] = rest;
  if (script === "--") return `exec ${more.map((word) => `'${word}'`).join(" ")}\n`;
  if (script === undefined || script === "-") return readFileSync(0, "utf8");
  if (more.length > 0) usage("one script only");
  const state = statSync(script, { throwIfNoEntry: false });
  if (state === undefined) die(1, "qsub: script file:: No such file or directory");
  if (!state.isFile()) die(1, "qsub: script not a file");
  try {
    accessSync(script, constants.R_OK);
  } catch {
    die(8, "qsub: opening script file:: Permission denied");
  }
  const read = readFileSync(script, "latin1");
  if (read.includes("\r\n")) die(1, "qsub: script contains cr, lf");
  return readFileSync(script, "utf8");
}

/** A line with a colon in front does not end the search. */
function directivesOf(script: string, { values }: Words): readonly string[] {
  const prefix = values.get("C") ?? process.env["PBS_DPREFIX"] ?? "#PBS";
  if (prefix === "") return [];
  const found: string[] = [];
  for (const line of script.split("\n")) {
    if (line.trimStart().startsWith(prefix))
      found.push(...line.trimStart().slice(prefix.length).trim().split(/\s+/));
    else if (!/^(\s*$|#|:)/.test(line)) break;
  }
  return found;
}

function nextNumber(): number {
  for (let number = 1; ; number++) {
    try {
      writeFileSync(`${home}/jobs/${number}.taken`, "", { flag: "wx" });
      return number;
    } catch {
      // Another job's.
    }
  }
}

function queueOf(values: ReadonlyMap<string, string>): string {
  const [queue = "", server = SERVER] = (values.get("q") ?? "workq").split("@");
  if (server !== SERVER) die(160, "Unknown Host.");
  if (queue === "disabled") die(173, "qsub: Queue is not enabled");
  if (queue === "private") die(159, "qsub: Unauthorized Request ");
  if (!["workq", "short", "stopped"].includes(queue)) die(170, "qsub: Unknown queue");
  return queue;
}

function checkAttributes({ attributes, values }: Words): void {
  for (const name of attributes.keys()) {
    if (!KNOWN.includes(name)) die(154, "qsub: Error (15002) submitting job");
  }
  if (attributes.get("block") === "true") die(99, "qsub stand-in: -W block is not there");
  if (attributes.get("group_list") === "root" && process.getuid?.() !== 0)
    die(197, "qsub: Bad GID for job execution");
  if (values.has("u") && values.get("u") !== userInfo().username)
    die(175, "qsub: Bad UID for job execution");
  for (const name of (values.get("v") ?? "").split(",").filter(Boolean)) {
    if (!name.includes("=") && process.env[name] === undefined)
      die(1, "qsub: cannot send environment with the job");
  }
}

function variablesOf({ values }: Words, queue: string): Record<string, string> {
  const env = process.env;
  const names = ["HOME", "LANG", "LOGNAME", "PATH", "MAIL", "SHELL", "TZ"].filter(
    (name) => env[name],
  );
  const exported = (values.get("v") ?? "")
    .split(",")
    .filter(Boolean)
    .map((pair): [string, string] => {
      const at = pair.indexOf("=");
      return at === -1 ? [pair, env[pair] ?? ""] : [pair.slice(0, at), pair.slice(at + 1)];
    });
  const all = values.has("V")
    ? Object.entries(env).map(([name, value]) => [name, value ?? ""])
    : [];
  return {
    ...Object.fromEntries(names.map((name) => [`PBS_O_${name}`, env[name] ?? ""])),
    PBS_O_SYSTEM: "Linux",
    PBS_O_WORKDIR: process.cwd(),
    PBS_O_HOST: "srv",
    PBS_O_QUEUE: queue,
    ...Object.fromEntries(all),
    ...Object.fromEntries(exported),
  };
}

function jobOf(parsed: Words): Job {
  const { values, resources, attributes, rest } = parsed;
  const queue = queueOf(values);
  checkAttributes(parsed);
  checkResources(resources, queue);
  const number = nextNumber();
  const id = `${number}.${SERVER}`;
  const name =
    values.get("N") ?? attributes.get("job_name") ?? (rest[0]?.split("/").at(-1) || "STDIN");
  const start = startOf(parsed, number, name, queue);
  const { held, at, walltime } = start;
  const [state, substate] = held ? ["H", 20] : at > Date.now() ? ["W", 30] : ["Q", 10];
  const others = [...resources].filter(([key]) => key !== "walltime");
  return {
    number,
    id,
    attributes: {
      Job_Name: name,
      Job_Owner: `${start.user}@srv`,
      job_state: String(state),
      queue,
      server: SERVER,
      Hold_Types: held ? "u" : "n",
      Join_Path: values.get("j") ?? "n",
      Keep_Files: values.get("k") ?? "n",
      Output_Path: `srv:${start.output}`,
      Rerunable: start.rerun ? "True" : "False",
      Resource_List: {
        ncpus: 1,
        nodect: 1,
        select: "1:ncpus=1",
        ...Object.fromEntries(others),
        ...(walltime > 0 ? { walltime: clockOf(walltime) } : {}),
      },
      substate: Number(substate),
      Variable_List: start.variables,
      Submit_arguments: given.join(" "),
    },
    start,
  };
}

function startOf(parsed: Words, number: number, name: string, queue: string): Job["start"] {
  const { values, resources, attributes } = parsed;
  // The real one asks the node's passwd; a test's user has no entry of its own there.
  const user = process.env["HOME"] ?? userInfo().homedir;
  const wanted = /^after\w*:(.+)$/.exec(attributes.get("depend") ?? "")?.[1]?.split(":") ?? [];
  const output = (letter: string, all: Words) => outputOf(all, name, user, number, letter);
  return {
    script: `${home}/mom_priv/${number}.${SERVER}.SC`,
    home: user,
    user: process.env["LOGNAME"] ?? userInfo().username,
    shell:
      attributes.get("executable") ??
      values.get("S") ??
      process.env["PBS_SHELL"] ??
      attributes.get("shell_path_list") ??
      "",
    output: output("o", parsed),
    errors: values.get("j") === "oe" ? "" : output("e", parsed),
    direct: /^[oed]*$/.test(values.get("k") ?? "n"),
    umask: Number.parseInt(attributes.get("umask") ?? "077", 8),
    never: whyNever(resources),
    at: dateOf(values.get("a")),
    held: values.has("h") || (attributes.get("hold_types") ?? "n") !== "n",
    started: queue !== "stopped",
    orphan: wanted.some((one) => findJob(home, "qsub", one) === undefined),
    rerun: values.get("r") !== "n",
    walltime: durationOf(resources.get("walltime") ?? "") ?? 0,
    variables: variablesOf(parsed, queue),
  };
}

/** Where a stream goes; -o counts unless `-k` keeps it in the home without `d`. */
function outputOf(
  { values, attributes }: Words,
  name: string,
  user: string,
  number: number,
  letter: string,
): string {
  const keep = values.get("k") ?? "n";
  const own = `${name}.${letter}${number}`;
  if (keep.includes(letter) && !keep.includes("d")) return `${user}/${own}`;
  const path =
    values.get(letter) ??
    (letter === "o" ? attributes.get("output_path") : undefined) ??
    `${process.cwd()}/${own}`;
  return path.endsWith("/") ? `${path}${number}.${SERVER}.OU` : path;
}

function clockOf(seconds: number): string {
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => String(Math.floor(part)).padStart(2, "0"))
    .join(":");
}

function dateOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) usage("illegal -a value");
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = parts;
  return new Date(year, month - 1, day, hour, minute).getTime();
}

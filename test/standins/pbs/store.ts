/**
 * A stand-in for OpenPBS 23.06, which cannot be installed where these tests run: it needs its own daemons and their
 * users. Its commands keep jobs as files and really run them; what they print, their statuses and the order of a job's
 * states are those of the real ones, only the waiting for a scheduler is shorter. Where it is unsure it is unkind.
 *
 * The directory is PBS_HOME of the file that PBS_CONF_FILE names. Files in it are switches:
 *   history       finished jobs are remembered (off by default, as in PBS)
 *   down, hang    the server refuses connections; takes them and never answers
 *   busy          no job is started
 *   hold          holds the letter of who puts a hold on each job that waits: u, o or s
 *   mom-down      qdel cannot reach the node of a running job
 *   node-lost     the server gives running jobs up; their processes go on
 *   qsub-dies     qsub ends by a signal after the server took the job
 *   bad-json      qstat prints JSON as older versions do
 *   default_qsub_arguments, kill_delay   hold the values of these
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";

export const SERVER = "srv";
export const VERSION = "23.06.06";
/** What the one node has. */
export const NCPUS = 2;

/** A job as the server keeps it. */
export interface Job {
  readonly number: number;
  readonly id: string;
  /** As `qstat -f` prints them, in its order. */
  attributes: Attributes;
  readonly start: {
    readonly script: string;
    readonly home: string;
    readonly user: string;
    readonly shell: string;
    readonly output: string;
    readonly errors: string;
    readonly direct: boolean;
    readonly umask: number;
    readonly never: string;
    readonly at: number;
    readonly held: boolean;
    readonly started: boolean;
    readonly orphan: boolean;
    readonly rerun: boolean;
    /** Seconds; 0: none. */
    readonly walltime: number;
    readonly variables: Readonly<Record<string, string>>;
  };
}

export type Attributes = Record<
  string,
  string | number | Readonly<Record<string, string | number>>
>;

/** Prints to stderr and ends. */
export function die(status: number, message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}

const FOREIGN: readonly (readonly [string, number, string])[] = [
  [
    "PBS_BATCH_SERVICE_PORT",
    162,
    `Connection refused\nqsub: cannot connect to server ${SERVER} (errno=15010)`,
  ],
  ["PBS_AUTH_METHOD", 181, "auth: error returned: 15029"],
  ["PBS_PRIMARY", 160, "Unknown Host."],
];

/** PBS_HOME. Each key of pbs.conf that is a variable overrides the file. */
export function findHome(): string {
  const file = process.env["PBS_CONF_FILE"] ?? "/etc/pbs.conf";
  if (!existsSync(file)) die(255, "pbsconf error: pbs.conf variables not found: PBS_HOME PBS_EXEC");
  const home = /^PBS_HOME=(.*)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  const exec = process.env["PBS_EXEC"];
  if (exec !== undefined && !existsSync(exec))
    die(255, "pbsconf error: pbs.conf variables not found: PBS_EXEC");
  for (const [name, status, message] of FOREIGN) {
    if (process.env[name] !== undefined) die(status, message);
  }
  const server = process.env["PBS_DEFAULT"] ?? process.env["PBS_SERVER"] ?? SERVER;
  if (server !== SERVER) die(160, "Unknown Host.");
  mkdirSync(`${home}/jobs`, { recursive: true });
  return home;
}

/** Ends, or hangs, where the server does not answer. */
export async function connect(home: string, status: number, message: string): Promise<void> {
  while (isOn(home, "hang")) await Bun.sleep(50);
  if (isOn(home, "down")) die(status, `Connection refused\n${message}`);
}

export function isOn(home: string, name: string): boolean {
  return existsSync(`${home}/${name}`);
}

export function setting(home: string, name: string, otherwise: string): string {
  return isOn(home, name) ? readFileSync(`${home}/${name}`, "utf8").trim() : otherwise;
}

export function jobFile(home: string, number: number): string {
  return `${home}/jobs/${number}.json`;
}

export function saveJob(home: string, job: Job): void {
  const file = jobFile(home, job.number);
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(job));
  renameSync(temporary, file);
}

export function readJobs(home: string): readonly Job[] {
  return readdirSync(`${home}/jobs`)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(`${home}/jobs/${name}`, "utf8")) as Job)
    .sort((a, b) => a.number - b.number);
}

/** The job behind a word such as `12.srv` or `12`; ends where that is no id. */
export function findJob(home: string, program: string, word: string): Job | undefined {
  const match = /^(\d+)(?:\.(.*))?$/.exec(word);
  if (match === null) die(1, `${program}: illegally formed job identifier: ${word}`);
  return readJobs(home).find(
    (job) => job.number === Number(match[1]) && (match[2] ?? SERVER) === SERVER,
  );
}

export function isFinished(job: Job): boolean {
  return job.attributes["job_state"] === "F";
}

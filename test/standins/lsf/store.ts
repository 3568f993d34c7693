// Stand-in for IBM Spectrum LSF, which is licensed software and cannot be installed for tests: what its daemons know,
// in files below LSF_ENVDIR. A wrapper for a test, never for use; see README.md for what it reproduces.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";

/** A job as submitted. */
export interface Spec {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly user: string;
  readonly command: string;
  readonly directory: string;
  readonly report: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** In LSF's minutes. */
  readonly runLimit: number | undefined;
  readonly slots: number;
  readonly begin: string | undefined;
  readonly dependsOn: string | undefined;
  readonly exitWithoutDirectory: boolean;
  readonly isHeld: boolean;
}

/** What mbatchd says of it. */
export interface State {
  readonly stat: string;
  readonly exitCode: number | undefined;
  readonly reason: string;
  readonly pending: string;
  readonly events: readonly string[];
  /** Milliseconds; undefined while the job has not ended. */
  readonly endedAt: number | undefined;
}

/** Where lsf.conf is, and with it everything else; LSF's programs do nothing without it. */
export function envDir(): string {
  const dir = process.env["LSF_ENVDIR"] ?? "/etc";
  if (!existsSync(`${dir}/lsf.conf`)) fail("Cannot open lsf.conf file");
  return dir;
}

/** A parameter of lsf.conf, which here holds those of lsb.params and of the queue too. */
export function parameter(name: string): string | undefined {
  const text = readFileSync(`${envDir()}/lsf.conf`, "utf8");
  return new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1];
}

export function seconds(name: string, fallback: number): number {
  return Number(parameter(name) ?? fallback) * 1000;
}

export function jobDir(id: string): string {
  return `${envDir()}/jobs/${id}`;
}

export function allIds(): readonly string[] {
  const dir = `${envDir()}/jobs`;
  mkdirSync(dir, { recursive: true });
  return readdirSync(dir).sort((a, b) => Number(a) - Number(b));
}

export function takeId(): string {
  const last = Number(allIds().at(-1) ?? 100);
  for (let id = last + 1; ; id++) {
    try {
      mkdirSync(jobDir(String(id)));
      return String(id);
    } catch {
      // Another bsub was faster.
    }
  }
}

export function readSpec(id: string): Spec | undefined {
  return readJson<Spec>(`${jobDir(id)}/spec`);
}

export function readJobState(id: string): State | undefined {
  return readJson<State>(`${jobDir(id)}/state`);
}

export function write(id: string, name: "spec" | "state", value: Spec | State): void {
  const file = `${jobDir(id)}/${name}`;
  writeFileSync(`${file}.new`, JSON.stringify(value));
  renameSync(`${file}.new`, file);
}

function readJson<T>(file: string): T | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as T) : undefined;
}

/** `Tue Dec 23 14:46:43: TEXT`, without the year, as LSF prints it by default. */
export function event(text: string): string {
  const now = new Date();
  const [day = "", month = ""] = now.toDateString().split(" ");
  const date = String(now.getDate()).padStart(2);
  return `${day} ${month} ${date} ${now.toTimeString().slice(0, 8)}: ${text}`;
}

export function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(255);
}

/** LSF's programs do not give up while mbatchd is away: they wait, unless LSB_NTRIES says otherwise. */
export async function waitForDaemon(): Promise<void> {
  const file = `${envDir()}/down`;
  let said = false;
  while (existsSync(file)) {
    if (readFileSync(file, "utf8").trim() === "lim")
      fail("Failed in an LSF library call: LIM is down; try later. Job not submitted.");
    if (!said) process.stderr.write("LSF is down. Please wait ...\n");
    said = true;
    await Bun.sleep(100);
  }
}

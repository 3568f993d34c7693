import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";

/**
 * Files of the stand-in's instance, in the directory of the socket that FLUX_URI names. `local` is its socket: without
 * that file there is no broker. Tests make `lose-answer` (the next submission's answer is lost) and `queue-stopped`.
 */
export interface Instance {
  readonly directory: string;
}

/** What one job was asked to be; written once. */
export interface Request {
  readonly id: string;
  readonly name: string;
  readonly script: string;
  readonly cwd: string;
  readonly output: string;
  readonly env: Readonly<Record<string, string>>;
  /** Seconds; 0: none. */
  readonly limit: number;
  /** Milliseconds since the epoch; 0: at once. */
  readonly beginAt: number;
  readonly urgency: number;
  /** Why it can never run. */
  readonly unsatisfiable: string;
  readonly submittedAt: number;
}

/** What the instance knows about a job; written by its broker process only. */
export interface Status {
  readonly state: "DEPEND" | "PRIORITY" | "SCHED" | "RUN" | "CLEANUP" | "INACTIVE";
  readonly result: "" | "COMPLETED" | "FAILED" | "CANCELED" | "TIMEOUT";
  readonly returncode: string;
  readonly exception: string;
  readonly note: string;
  readonly dependencies: string;
}

const DEFAULT_SOCKET = "/run/flux/local";

/** The instance behind FLUX_URI, else the system's; a message when there is no broker. */
export function connect(env: Readonly<Record<string, string | undefined>>): Instance | string {
  const uri = env["FLUX_URI"];
  const socket = uri === undefined ? DEFAULT_SOCKET : uri.replace(/^local:\/\//, "");
  if (!existsSync(socket))
    return `Unable to connect to Flux: broker socket ${socket} was not found`;
  return { directory: socket.slice(0, socket.lastIndexOf("/")) };
}

export function jobDirectory({ directory }: Instance, id: string): string {
  return `${directory}/jobs/${id}`;
}

export function jobIds(instance: Instance): readonly string[] {
  const directory = `${instance.directory}/jobs`;
  if (!existsSync(directory)) return [];
  // As in reality, newest first.
  return readdirSync(directory)
    .filter((id) => existsSync(`${directory}/${id}/request`))
    .sort(
      (a, b) =>
        statSync(`${directory}/${b}`).birthtimeMs - statSync(`${directory}/${a}`).birthtimeMs,
    );
}

export function readRequest(instance: Instance, id: string): Request | undefined {
  return readJson(`${jobDirectory(instance, id)}/request`) as Request | undefined;
}

export function readStatus(instance: Instance, id: string): Status | undefined {
  return readJson(`${jobDirectory(instance, id)}/status`) as Status | undefined;
}

export function urgencyOf(instance: Instance, request: Request): number {
  const set = `${jobDirectory(instance, request.id)}/urgency`;
  return existsSync(set) ? Number(readFileSync(set, "utf8")) : request.urgency;
}

export function writeStatus(instance: Instance, id: string, status: Status): void {
  replace(`${jobDirectory(instance, id)}/status`, JSON.stringify(status));
}

/** The job exists from here on, in the state DEPEND. */
export function createJob(instance: Instance, request: Request, script: string): void {
  const directory = jobDirectory(instance, request.id);
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/script`, script, { mode: 0o700 });
  writeStatus(instance, request.id, {
    state: "DEPEND",
    result: "",
    returncode: "",
    exception: "",
    note: "",
    dependencies: "",
  });
  replace(`${directory}/request`, JSON.stringify(request));
}

export function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function readJson(path: string): unknown {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

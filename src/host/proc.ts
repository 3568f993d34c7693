import { readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";

/** A process that cannot be mistaken for another one, on any host, also after its pid was used again. */
export interface ProcessIdentity {
  readonly host: string;
  /** Of the running kernel: pids mean nothing after a reboot. */
  readonly boot: string;
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly start: string;
}

export type Liveness = "alive" | "dead" | "unknown";

export function identify(pid: number): ProcessIdentity {
  return { host: hostname(), boot: bootId(), pid, start: startTime(pid) ?? "" };
}

/** `unknown` for a process of another host. */
export function liveness(process: ProcessIdentity): Liveness {
  if (process.host !== hostname()) return "unknown";
  if (process.boot !== bootId()) return "dead";
  return startTime(process.pid) === process.start ? "alive" : "dead";
}

/** Start time of a process that has not ended; undefined for none and for a zombie. */
export function startTime(pid: number): string | undefined {
  const fields = statFields(pid);
  if (fields === undefined || fields[0] === "X") return undefined;
  // A zombie that has more threads than one is a process whose first thread alone has ended.
  return fields[0] === "Z" && fields[17] === "1" ? undefined : fields[19];
}

export function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Programs that start a hook for gitlab-runner and are gone when it has ended. */
const WRAPPERS =
  /^(sh|bash|dash|ksh|zsh|env|timeout|nice|ionice|setsid|sudo|su|runuser|setpriv|systemd-run|strace)$/;

/**
 * The process that started a hook, behind programs that only wrap it: gitlab-runner itself. What a job holds is held
 * as long as that process lives.
 */
export function startedBy(pid: number): number {
  const parent = parentOf(pid) ?? 1;
  const name = read(`/proc/${parent}/comm`)?.trim() ?? "";
  const above = WRAPPERS.test(name) ? startedBy(parent) : parent;
  return above > 1 ? above : parent;
}

/** Fields of /proc/PID/stat from the state on (field 3); the name before it may hold anything. */
function statFields(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** The kernel's name for the time since it was started; empty when it cannot be read. */
export function bootId(): string {
  return read("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

/** All living descendants of a process. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of allPids()) {
    const parent = parentOf(pid);
    if (parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      open.push(child);
    }
  }
  return found.filter((pid) => startTime(pid) !== undefined);
}

/**
 * Processes of this user that carry `entry` (a whole `NAME=value`) in their environment, or whose mount namespace has
 * something mounted at `mountPoint`: what is left of a job whose supervisor was killed.
 */
export function processesOf(job: {
  readonly uid: number;
  readonly entry: string;
  readonly mountPoint: string;
}): number[] {
  const own = namespaceOf("self");
  return allPids().filter((pid) => {
    if (pid === process.pid || ownerOf(pid) !== job.uid || startTime(pid) === undefined)
      return false;
    if (read(`/proc/${pid}/environ`)?.split("\0").includes(job.entry)) return true;
    const namespace = namespaceOf(pid);
    return namespace !== undefined && namespace !== own && hasMount(pid, job.mountPoint);
  });
}

function hasMount(pid: number, mountPoint: string): boolean {
  // mountinfo writes blanks as octal escapes.
  const escaped = mountPoint.replace(
    /[ \t\n\\]/g,
    (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return (read(`/proc/${pid}/mountinfo`) ?? "")
    .split("\n")
    .some((line) => line.split(" ")[4] === escaped);
}

function namespaceOf(pid: number | "self"): number | undefined {
  try {
    return statSync(`/proc/${pid}/ns/mnt`).ino;
  } catch {
    return undefined;
  }
}

function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return undefined;
  }
}

function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

import { mkdirSync, readdirSync, statSync } from "node:fs";
import { readJson, unlinkIfThere, writeAtomically } from "../host/files.ts";
import { bootId } from "../host/proc.ts";
import type { ProbeRequest, ProbeResult } from "./probe.ts";

/** As long as a trial counts: what it may miss then, as a host's limits that were changed, is short-lived. */
export const KNOWN_MILLISECONDS = 3_600_000;
const HASH_DIGITS = 32;

interface Known {
  readonly version: 1;
  /** When the trial was made, milliseconds since 1970. */
  readonly at: number;
  readonly result: ProbeResult;
}

/** A trial that may have been made before. */
export interface Trial extends Pick<ProbeRequest, "env" | "cwd" | "programs"> {
  /** The ch-run command line, up to and including `--`. */
  readonly command: readonly string[];
  /** Absolute path of the image that it starts. */
  readonly image: string;
  /** Absolute paths of the job's own directories, which jobs have in the same places with other names. */
  readonly directories: readonly string[];
}

/**
 * The file that holds the result of this very trial: the same command line, environment and programs asked for, the same
 * ch-run and image by their path, size and times, and this host since it was started, whatever the job's own directories
 * are called. Undefined when ch-run or the image cannot be looked at.
 *
 * @param directory of one user alone; made when something is noted
 */
export function trialFile(directory: string, trial: Trial): string | undefined {
  const { command, env, cwd, programs, image, directories } = trial;
  const boot = bootId();
  const files = [command[0] ?? "", image].map((path) => identityOf(path));
  if (boot === "" || files.includes(undefined)) return undefined;
  const whole = JSON.stringify([command, Object.entries(env).sort(), cwd, programs, files, boot]);
  const text = directories.reduce(
    // JSON has no NUL in its texts.
    (all, directory, at) => all.replaceAll(JSON.stringify(directory).slice(1, -1), `\0${at}`),
    whole,
  );
  // One way only: a proxy's address may hold a password.
  const name = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, HASH_DIGITS);
  return `${directory}/${name}.json`;
}

/** Size and times tell another file of the same name; a change that keeps the size shows in the time of the inode. */
function identityOf(path: string): readonly (number | string)[] | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && [path, stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs];
}

/** The result of a trial that succeeded within the last hour. */
export function knownProbe(file: string, now: number): ProbeResult | undefined {
  const known = readKnown(file);
  return known !== undefined && isFresh(known.at, now) ? known.result : undefined;
}

function readKnown(file: string): Known | undefined {
  let value: Partial<Known> | null | undefined;
  try {
    value = readJson(file) as typeof value;
  } catch {
    // What cannot be read is found out again.
    return undefined;
  }
  const whole =
    value?.version === 1 &&
    typeof value.at === "number" &&
    typeof value.result?.shell?.interpreter === "string" &&
    typeof value.result.shell.shell === "string" &&
    Array.isArray(value.result.missing);
  return whole ? (value as Known) : undefined;
}

/** A time to come is that of a clock which was set back. */
function isFresh(at: number, now: number): boolean {
  return at <= now && now - at < KNOWN_MILLISECONDS;
}

/**
 * Remembers a trial that offers all that was asked for; nothing else is remembered, so whatever fails is tried again.
 * Old results go. A directory that cannot be written to is no reason to fail.
 */
export function noteProbe(file: string, result: ProbeResult, now: number): void {
  if (result.shell === undefined || result.missing.length > 0) return;
  const directory = file.slice(0, file.lastIndexOf("/"));
  const known: Known = { version: 1, at: now, result };
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) {
      const stats = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
      if (stats && now - stats.mtimeMs > KNOWN_MILLISECONDS) unlinkIfThere(`${directory}/${name}`);
    }
    writeAtomically(file, JSON.stringify(known));
  } catch {
    // The next job finds it out again.
  }
}

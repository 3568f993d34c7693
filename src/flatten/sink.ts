import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Flattened } from "./layer-index.ts";

/** A program that reads a tar from its stdin. */
export interface Sink {
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The file or directory that it makes; removed when it fails. */
  readonly target: string;
}

/** A sink at work. */
export interface OpenSink {
  /** Resolves when the bytes' memory is free again; false when the program takes nothing any more. */
  readonly write: (bytes: Buffer) => Promise<boolean>;
  /** Closes the program's stdin and tells how it ended. */
  readonly finish: () => Promise<Flattened<void>>;
  /** Ends the program at once and waits until it is gone. */
  readonly abort: () => Promise<void>;
}

/** Messages are matched, so they must be in English. */
const LOCALE = { LC_ALL: "C" };
/** The last is how GNU tar tells that a disk became full in the middle of a write. */
const NO_SPACE = /No space left on device|Disk quota exceeded|Wrote only \d+ of \d+ bytes/;
/** How GNU tar ends, which says nothing. */
const CLOSING = /Error is not recoverable|Exiting with failure status/;
/** As much of a program's last words as is of use. */
const LONGEST_SAID = 64 * 1024;

/**
 * Packs into one SquashFS file, with the same result as `squashImage` of charliecloud/squash.ts. This is `mksquashfs -tar`
 * and not `sqfstar`, which in squashfs-tools 4.5.1 refuses every compressor option that has a value, and at its own level
 * takes 17 s instead of 0.4 s for 200 MB. Both need squashfs-tools 4.5 or newer. `-mem` bounds its queues:
 * 60 MB at most instead of 230 MB, as fast.
 */
export function squashSink(
  mksquashfs: string,
  file: string,
  rootMode: number,
  env: Readonly<Record<string, string>> = {},
): Sink {
  const input = [mksquashfs, "-", file, "-tar", "-noappend", "-all-root", "-no-xattrs"];
  const format = ["-b", "65536", "-comp", "zstd", "-Xcompression-level", "1"];
  const root = ["-root-mode", rootMode.toString(8)];
  const argv = [...input, ...format, ...root, "-mem", "128M", "-quiet", "-no-progress"];
  return { argv, env: { ...env, ...LOCALE }, target: file };
}

/** Unpacks into an existing, empty directory with GNU tar; everything belongs to the user who does it. */
export function directorySink(
  tar: string,
  directory: string,
  env: Readonly<Record<string, string>> = {},
): Sink {
  const argv = [tar, "-x", "-f", "-", "-C", directory, "--no-same-owner", "--same-permissions"];
  return { argv, env: { ...env, ...LOCALE }, target: directory };
}

/** Starts a sink in a process group of its own. Never throws. */
export function openSink({ argv, env }: Sink): OpenSink {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    env: { ...env },
    cwd: "/",
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
  });
  return control(child, file.split("/").pop() ?? file);
}

function control(child: ChildProcessByStdio<Writable, null, Readable>, name: string): OpenSink {
  let said = "";
  let gone = false;
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    said = (said + text).slice(-LONGEST_SAID);
  });
  // A write to a program that has ended; how it ended tells more.
  child.stdin.on("error", () => {
    gone = true;
  });
  const ended = new Promise<Flattened<void>>((resolve) => {
    child.on("error", (error) => {
      gone = true;
      resolve({
        ok: false,
        failure: "other",
        said: `${name} could not be started: ${error.message}`,
      });
    });
    child.on("close", (status, signal) => {
      gone = true;
      resolve(judge(name, status, signal, said));
    });
  });
  const write = (bytes: Buffer) => {
    if (gone) return Promise.resolve(false);
    const taken = new Promise<boolean>((resolve) => {
      child.stdin.write(bytes, (error) => resolve(!error && !gone));
    });
    return Promise.race([taken, ended.then(() => false)]);
  };
  const finish = () => {
    child.stdin.end();
    return ended;
  };
  const abort = async () => {
    child.kill("SIGKILL");
    child.stdin.destroy();
    await ended;
  };
  return { write, finish, abort };
}

function judge(
  name: string,
  status: number | null,
  signal: NodeJS.Signals | null,
  stderr: string,
): Flattened<void> {
  if (status === 0) return { ok: true, value: undefined };
  const how = status === null ? `was ended by ${signal}` : `ended with status ${status}`;
  const lines = stderr.split("\n").map((line) => line.trim());
  const reasons = lines.filter((line) => line !== "" && !CLOSING.test(line));
  const told = lines.find((line) => NO_SPACE.test(line)) ?? reasons.pop();
  return {
    ok: false,
    failure: NO_SPACE.test(stderr) ? "no-space" : "other",
    said: `${name} ${how}${told ? ` (${told})` : ""}`,
  };
}

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import type { Problem } from "./problem.ts";
import {
  type Inspection,
  inspectSettings,
  type SettingsResult,
  withoutContent,
} from "./validate.ts";

export type { SettingsResult } from "./validate.ts";

const LARGEST_BYTES = 1024 * 1024;

/**
 * Reads and validates a configuration file. Bad input of any kind becomes problems, never an exception, and a FIFO or
 * device is refused without waiting for it.
 *
 * @param file path of a TOML file of at most 1 MiB in UTF-8; a relative one is resolved against the working directory.
 */
export async function readSettings(file: string): Promise<SettingsResult> {
  const read = await inspectFile(file);
  return read.readable ? read.inspection.result : { ok: false, problems: [read.problem] };
}

/** A file that was inspected, or why it could not be read at all. */
export type FileInspection =
  | {
      readonly readable: true;
      /** Empty where the bytes are no text. */
      readonly text: string;
      readonly inspection: Inspection;
    }
  | { readonly readable: false; readonly problem: Problem };

/** Reads as {@link readSettings} does, and tells what stands in the file besides the verdict. */
export async function inspectFile(file: string): Promise<FileInspection> {
  const path = file === "" ? file : resolve(file);
  const bytes = readBytes(path);
  if (!(bytes instanceof Uint8Array)) {
    return { readable: false, problem: { file: path, message: bytes.message } };
  }
  const text = decode(bytes);
  if (typeof text === "string") {
    return { readable: true, text, inspection: await inspectSettings(text, path) };
  }
  const { message, line } = text;
  const inspection = withoutContent({ file: path, line, column: 1, message });
  return { readable: true, text: "", inspection };
}

interface Complaint {
  readonly message: string;
}

function readBytes(path: string): Uint8Array | Complaint {
  if (path === "") return { message: "no configuration file is named" };
  let descriptor: number;
  try {
    // Non-blocking, because opening a FIFO waits for its writer otherwise.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    return unreadable(error);
  }
  try {
    return readRegularFile(descriptor);
  } catch (error) {
    return unreadable(error);
  } finally {
    closeSync(descriptor);
  }
}

function readRegularFile(descriptor: number): Uint8Array | Complaint {
  const stat = fstatSync(descriptor);
  if (stat.isDirectory()) return notAFile("a directory");
  if (stat.isFIFO()) return notAFile("a FIFO");
  if (!stat.isFile()) return notAFile("a device or socket");
  // Not sized by the file's size: that is 0 in /proc and may change.
  const buffer = new Uint8Array(LARGEST_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
  }
  return { message: "the configuration file is larger than 1 MiB; wanted a TOML file" };
}

function notAFile(kind: string): Complaint {
  return { message: `cannot read the configuration: it is ${kind}; wanted a regular file` };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied; wanted a file that the user of the runner may read",
  ENOTDIR: "a part of the path is not a directory",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the path is too long",
  ENXIO: "it is a device or socket; wanted a regular file",
};

function unreadable(error: unknown): Complaint {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
  const reason = REASONS[code];
  return {
    message: `cannot read the configuration: ${reason === undefined ? code : `${reason} (${code})`}`,
  };
}

function decode(bytes: Uint8Array): string | { message: string; line: number } {
  const zero = bytes.indexOf(0);
  if (zero !== -1) {
    const line = lineOf(bytes, zero);
    return { message: `byte ${zero + 1} is NUL: a binary file; wanted TOML in UTF-8`, line };
  }
  try {
    return decodeUtf8(bytes);
  } catch {
    return { message: "not UTF-8 on this line; wanted TOML in UTF-8", line: firstBadLine(bytes) };
  }
}

/** Throws where the bytes are not UTF-8; takes a byte order mark away. */
function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

const NEWLINE = 0x0a;

function lineOf(bytes: Uint8Array, offset: number): number {
  return bytes.subarray(0, offset).filter((byte) => byte === NEWLINE).length + 1;
}

function firstBadLine(bytes: Uint8Array): number {
  let start = 0;
  for (let line = 1; ; line += 1) {
    const end = bytes.indexOf(NEWLINE, start);
    try {
      decodeUtf8(bytes.subarray(start, end === -1 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end === -1) return line;
    start = end + 1;
  }
}

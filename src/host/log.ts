import { writeSync } from "node:fs";
import { type ConsolaInstance, createConsola } from "consola/core";

/** Where messages go. `config` must keep stdout for its JSON, so it logs to stderr alone. */
export interface LogOptions {
  /** File descriptor for ordinary lines: 1 in hooks whose stdout is the job log, else 2. */
  readonly info: 1 | 2;
}

const PREFIX: Readonly<Record<string, string>> = {
  warn: "jacamar: warning: ",
  error: "jacamar: error: ",
  fatal: "jacamar: error: ",
};
const MASK = "[MASKED]";
const secrets: string[] = [];

/** Registers values that no sink may show. Short values are left out: masking them would garble every line. */
export function registerSecrets(values: readonly string[]): void {
  for (const value of values) {
    for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString("base64")]) {
      if (form.length >= 4 && !secrets.includes(form)) secrets.push(form);
    }
  }
  // Longest first, so that a secret that contains another one is masked whole.
  secrets.sort((a, b) => b.length - a.length);
}

export function redact(text: string): string {
  let result = text;
  for (const secret of secrets) result = result.replaceAll(secret, MASK);
  return result;
}

/** Writes a line, redacted. A log that nobody reads any more must not decide a job's result. */
export function writeLine(fd: number, text: string): void {
  const bytes = Buffer.from(`${redact(text)}\n`);
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code !== "EAGAIN") return;
    }
  }
}

/** Messages of a hook: `log` lines as they are, warnings and errors with a prefix on stderr. */
export function createLog(options: LogOptions): ConsolaInstance {
  return createConsola({
    level: 3,
    reporters: [
      {
        log(entry) {
          const text = entry.args.map(String).join(" ");
          const prefix = PREFIX[entry.type] ?? "";
          const fd = prefix === "" ? options.info : 2;
          for (const line of text.split("\n")) writeLine(fd, `${prefix}${line}`);
        },
      },
    ],
  });
}

export type Log = ConsolaInstance;

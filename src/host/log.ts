import { type ConsolaInstance, createConsola } from "consola/core";
import { redact, writeLine } from "./redact.ts";

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
          // Redacted first: a secret may have several lines.
          for (const line of redact(text).split("\n")) writeLine(fd, `${prefix}${line}`);
        },
      },
    ],
  });
}

export type Log = ConsolaInstance;

import { dlopen, ptr } from "bun:ffi";
import { closeSync, openSync, writeSync } from "node:fs";
import { SystemFailure } from "./failure.ts";
import { redact } from "./redact.ts";

/** One line of the admin's log. Values are text and numbers only, so that each can be redacted by itself. */
export type LogEvent = Readonly<Record<string, string | number | undefined>>;

/** One line of JSON without a secret that was registered. */
export function eventLine(event: LogEvent): string {
  return JSON.stringify(event, (_key, value: unknown) =>
    typeof value === "string" ? redact(value) : value,
  );
}

/** Appends a line with one write, so that lines of many hooks do not mix. Throws what the system reports. */
export function appendLine(file: string, line: string): void {
  const fd = openSync(file, "a", 0o640);
  try {
    const bytes = Buffer.from(`${line}\n`);
    const written = writeSync(fd, bytes);
    if (written < bytes.length)
      throw new SystemFailure(`wrote ${written} of ${bytes.length} bytes: is the disk full?`);
  } finally {
    closeSync(fd);
  }
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
/** A log daemon that is behind must not hold up a job. */
const MSG_DONTWAIT = 0x40;
/** LOG_USER, LOG_INFO. */
const PRIORITY = 14;
const ADDRESS_BYTES = 110;

/** Sends a line to the system's log, as syslog(3) does; Bun has no sockets of this kind. Throws when nobody takes it. */
export function sendToSyslog(line: string, socketPath = "/dev/log"): void {
  const path = Buffer.from(socketPath);
  const address = Buffer.alloc(ADDRESS_BYTES);
  address.writeUInt16LE(AF_UNIX);
  path.copy(address, 2, 0, ADDRESS_BYTES - 3);
  const libc = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  });
  const fd = libc.symbols.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemFailure("cannot make a socket for syslog");
  try {
    const bytes = Buffer.from(`<${PRIORITY}>jacamar[${process.pid}]: ${line}`);
    const length = 2 + path.length + 1;
    const sent = libc.symbols.sendto(
      fd,
      ptr(bytes),
      bytes.length,
      MSG_DONTWAIT,
      ptr(address),
      length,
    );
    if (Number(sent) < 0)
      throw new SystemFailure(`nobody takes messages at ${socketPath}; wanted: a syslog daemon`);
  } finally {
    closeSync(fd);
  }
}

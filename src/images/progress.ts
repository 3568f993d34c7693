import { writeSync } from "node:fs";
import type { Log } from "../host/log.ts";

/** Between two lines about a slow pull. */
const LINE_MILLISECONDS = 5000;
/** Between two pictures of the bar on a terminal. */
const BAR_MILLISECONDS = 200;
const BAR_WIDTH = 30;
const STDERR = 2;
/** Back to the begin of the line, which becomes empty. */
const CLEAR = "\r\u001b[K";

export interface Progress {
  /** More bytes have come; a negative number when some have to come again. */
  readonly add: (bytes: number) => void;
  readonly stop: () => void;
}

/** Says how far a pull is: now and then a line in a job log, nothing about one that is fast; a bar on a terminal. */
export function startProgress(
  reference: string,
  total: number,
  { log, terminal }: { readonly log: Log; readonly terminal: boolean },
): Progress {
  const every = terminal ? BAR_MILLISECONDS : LINE_MILLISECONDS;
  let done = 0;
  let before = 0;
  const timer = setInterval(() => {
    const rate = ((done - before) * 1000) / every;
    before = done;
    if (terminal) writeSync(STDERR, `${CLEAR}${bar(done, total)} ${amounts(done, total, rate)}`);
    else log.log(`Pulling ${reference}: ${amounts(done, total, rate)}`);
  }, every);
  return {
    add: (bytes) => {
      done += bytes;
    },
    stop: () => {
      clearInterval(timer);
      if (terminal) writeSync(STDERR, CLEAR);
    },
  };
}

/** `[#####     ]` of a fixed width. */
export function bar(done: number, total: number): string {
  const part = total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
  return `[${"#".repeat(Math.round(part * BAR_WIDTH)).padEnd(BAR_WIDTH)}]`;
}

/** `12 of 96 MB, 8.1 MB/s`; all in bytes, `rate` a second. */
export function amounts(done: number, total: number, rate: number): string {
  return `${megabytes(done)} of ${megabytes(total)} MB, ${megabytes(rate)} MB/s`;
}

function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

import type { Log } from "../host/log.ts";

/** Between two lines about a slow pull. */
const LINE_MILLISECONDS = 5000;

export interface Progress {
  /** More bytes have come; a negative number when some have to come again. */
  readonly add: (bytes: number) => void;
  readonly stop: () => void;
}

/** Says now and then how far a pull is; nothing about one that is fast. */
export function startProgress(reference: string, total: number, log: Log): Progress {
  let done = 0;
  let before = 0;
  const timer = setInterval(() => {
    const rate = ((done - before) * 1000) / LINE_MILLISECONDS;
    before = done;
    log.log(
      `Pulling ${reference}: ${megabytes(done)} of ${megabytes(total)} MB, ${megabytes(rate)} MB/s`,
    );
  }, LINE_MILLISECONDS);
  return {
    add: (bytes) => {
      done += bytes;
    },
    stop: () => clearInterval(timer),
  };
}

function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

import type { Problem } from "./retry.ts";
import type { Limits } from "./types.ts";

/** A part of the window in which a body must have been waited for, so that it is to blame and not a slow disk. */
const MOSTLY = 0.9;
/** What a timer of JavaScript can hold. */
const LONGEST_TIMER = 2 ** 31 - 1;

export interface AttemptOptions {
  readonly host: string;
  readonly signal: AbortSignal;
  readonly deadline: number;
  readonly now: () => number;
  readonly limits: Limits;
}

/** Watches over one request: aborts it when it is cancelled, too late, not answered, or no longer moves. */
export interface Attempt {
  readonly signal: AbortSignal;
  /** Why it was aborted. */
  readonly problem: () => Problem | undefined;
  /** The header is there: from now on the body must move. */
  readonly answered: () => void;
  /** Around each wait for a part of the body. */
  readonly waits: () => void;
  readonly got: (bytes: number) => void;
  readonly end: () => void;
}

export function watchAttempt(options: AttemptOptions): Attempt {
  const { host, signal, deadline, now, limits } = options;
  const controller = new AbortController();
  let problem: Problem | undefined;
  const stop = (failure: Problem["failure"], said: string, passing: boolean) => {
    problem ??= { failure, said, passing };
    controller.abort();
  };
  const cancel = () => stop("cancelled", "it was cancelled", false);
  const late = () => stop("unreachable", `${host}: the time for it is over`, false);
  const silent = () => {
    stop("unreachable", `${host} did not answer within ${limits.answer / 1000} s`, true);
  };
  const moving = watchMovement(limits, (said) => stop("unreachable", `${host} ${said}`, true));
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const left = Math.min(LONGEST_TIMER, Math.max(0, deadline - now()));
  const timers = [setTimeout(late, left), setTimeout(silent, limits.answer)];
  return {
    signal: controller.signal,
    problem: () => problem,
    answered: () => {
      clearTimeout(timers[1]);
      moving.start();
    },
    waits: moving.waits,
    got: moving.got,
    end: () => {
      for (const timer of timers) clearTimeout(timer);
      moving.end();
      signal.removeEventListener("abort", cancel);
      // Closes a connection whose answer was not read to its end.
      controller.abort();
    },
  };
}

/** Whether a window brought too few bytes although they were waited for (`idle`, milliseconds) nearly all the time. */
export function isStalled(limits: Limits, bytes: number, idle: number): boolean {
  return bytes < limits.stallBytes && idle >= MOSTLY * limits.stallWindow;
}

function watchMovement(limits: Limits, stalled: (said: string) => void) {
  let [bytes, waited] = [0, 0];
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const check = () => {
    const time = performance.now();
    const idle = waited + (since === undefined ? 0 : time - since);
    if (isStalled(limits, bytes, idle)) {
      stalled(`sent only ${bytes} bytes in ${limits.stallWindow / 1000} s`);
    }
    [bytes, waited] = [0, 0];
    if (since !== undefined) since = time;
  };
  return {
    start: () => {
      timer = setInterval(check, limits.stallWindow);
    },
    waits: () => {
      since = performance.now();
    },
    got: (count: number) => {
      bytes += count;
      if (since !== undefined) waited += performance.now() - since;
      since = undefined;
    },
    end: () => clearInterval(timer),
  };
}

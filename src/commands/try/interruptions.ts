/** The signals that reach this process while a job runs, as the runner would know them. */
export interface Interruptions {
  /** The cancel button: the first Ctrl-C. */
  readonly cancel: AbortSignal;
  /** The job is over on the server: a second Ctrl-C, TERM, HUP. */
  readonly abort: AbortSignal;
  /** The first signal, if any. */
  received(): string | undefined;
  /** Gives the signals back. */
  end(): void;
}

/** Takes the signals; the hooks have sessions of their own, so the terminal does not reach them. */
export function interruptions(say: (message: string) => void): Interruptions {
  const [cancel, abort] = [new AbortController(), new AbortController()];
  let received: string | undefined;
  const onInterrupt = () => {
    if (received === undefined)
      say("cancelling the job; Ctrl-C again: nothing but cleanup follows");
    else abort.abort();
    received ??= "SIGINT";
    cancel.abort();
  };
  const others = ["SIGTERM", "SIGHUP"] as const;
  const onOther = (name: string) => {
    received ??= name;
    abort.abort();
  };
  process.on("SIGINT", onInterrupt);
  for (const name of others) process.on(name, onOther);
  return {
    cancel: cancel.signal,
    abort: abort.signal,
    received: () => received,
    end() {
      process.off("SIGINT", onInterrupt);
      for (const name of others) process.off(name, onOther);
    },
  };
}

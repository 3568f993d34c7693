import type { Hook, KillTimeouts } from "./process.ts";
import type { HookPoint, JobControl, Trigger } from "./types.ts";
import { atLeast } from "./version.ts";

/** Which part of a job runs; what an interruption does depends on it. */
export type Phase = "prepare" | "sources" | "steps" | "late" | "cleanup";

/** Why a job ends before its time. */
export type Ending = "canceled" | "timeout" | "died";

/** Thrown through a job's flow when the job is over; only cleanup may follow. */
export class JobEnded extends Error {}

/** The observation of one running hook. */
export interface Watch {
  /** Takes a piece of the hook's output. */
  output(text: string): void;
  /** The hook has ended. */
  end(): void;
}

interface ArmedTrigger extends Trigger {
  readonly act: () => void;
  hasActed: boolean;
}

/** Everything that may interrupt one job, and what has interrupted it so far. */
export class Interrupts {
  /** Set by the flow of the job. */
  phase: Phase = "prepare";
  /** Set when no further stage may run. */
  ending: Ending | undefined;
  /** Set when the user's steps must end, but the stages after them run. */
  scriptEnding: "canceled" | "timedout" | undefined;
  readonly #ended = Promise.withResolvers<void>();
  readonly #control: JobControl;
  readonly #version: string;
  readonly #timeouts: KillTimeouts;
  readonly #triggers: readonly ArmedTrigger[];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #onCancel = () => this.#cancel();
  readonly #onAbort = () => this.#end("canceled");
  #current: Hook | undefined;

  constructor(control: JobControl, version: string, timeouts: KillTimeouts) {
    this.#control = control;
    this.#version = version;
    this.#timeouts = timeouts;
    this.#triggers = [
      ...armed(control.cancelDuring, () => this.#cancel()),
      ...armed(control.abortDuring, () => this.#end("canceled")),
      ...armed(control.killRunnerDuring, () => this.#end("died")),
    ];
  }

  /** Resolves when the job is over before its time. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Starts the job's clock. */
  start(): void {
    const { timeoutAfter } = this.#control;
    if (timeoutAfter !== undefined) {
      this.#later(timeoutAfter, () => this.#end("timeout"));
    }
    const { cancelOn, abortOn } = this.#control;
    cancelOn?.addEventListener("abort", this.#onCancel);
    abortOn?.addEventListener("abort", this.#onAbort);
    if (cancelOn?.aborted) this.#cancel();
    if (abortOn?.aborted) this.#end("canceled");
  }

  /** Starts the clock of the user's steps. */
  startScript(): void {
    const { scriptTimeoutAfter } = this.#control;
    if (scriptTimeoutAfter !== undefined) {
      this.#later(scriptTimeoutAfter, () => this.#endScript("timedout"));
    }
  }

  /** Stops all clocks, and listens no longer. */
  stop(): void {
    this.#control.cancelOn?.removeEventListener("abort", this.#onCancel);
    this.#control.abortOn?.removeEventListener("abort", this.#onAbort);
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
  }

  /** Observes a hook which has just been started. */
  watch(point: HookPoint, hook: Hook): Watch {
    this.#current = hook;
    const triggers = this.#triggers.filter((one) => one.stage === point && !one.hasActed);
    const timers: NodeJS.Timeout[] = [];
    const fire = (trigger: ArmedTrigger) => {
      if (!trigger.hasActed) {
        trigger.hasActed = true;
        trigger.act();
      }
    };
    const fireLater = (trigger: ArmedTrigger) =>
      timers.push(this.#later(trigger.after ?? 0, () => fire(trigger)));
    const byTime = triggers.filter((one) => one.after !== undefined && one.onText === undefined);
    const waiting = new Set(triggers.filter((one) => !byTime.includes(one)));
    byTime.forEach(fireLater);
    let seen = "";
    return {
      output: (text) => {
        seen += text;
        for (const trigger of waiting) {
          if (seen.includes(trigger.onText ?? "")) {
            waiting.delete(trigger);
            trigger.after === undefined ? fire(trigger) : fireLater(trigger);
          }
        }
      },
      end: () => {
        timers.forEach(clearTimeout);
        waiting.clear();
        this.#current = undefined;
      },
    };
  }

  /** Ends the current hook as the runner does. */
  #kill(): void {
    this.#current?.kill(this.#timeouts, this.#control.termOnlyPid ?? false);
  }

  /**
   * The cancel button. It ends everything up to the user's steps, but of the steps only the running
   * one; later stages do not notice. Before 16.9 it was the same as an abort.
   */
  #cancel(): void {
    if (this.phase === "prepare" || this.phase === "sources" || !atLeast(this.#version, "16.9")) {
      this.#end("canceled");
    } else {
      this.#endScript("canceled");
    }
  }

  #endScript(ending: "canceled" | "timedout"): void {
    if (this.phase === "steps" && this.scriptEnding === undefined) {
      this.scriptEnding = ending;
      this.#kill();
    }
  }

  #end(ending: Ending): void {
    if (this.ending !== undefined) {
      return;
    }
    this.ending = ending;
    this.#ended.resolve();
    if (ending === "died") {
      this.#current?.abandon();
    } else if (this.phase !== "cleanup") {
      // Cleanup is not tied to the job: neither an abort nor a timeout stops it.
      this.#kill();
    }
  }

  #later(milliseconds: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(action, milliseconds);
    this.#timers.add(timer);
    return timer;
  }
}

function armed(trigger: HookPoint | Trigger | undefined, act: () => void): ArmedTrigger[] {
  if (trigger === undefined) {
    return [];
  }
  return [
    { ...(typeof trigger === "string" ? { stage: trigger } : trigger), act, hasActed: false },
  ];
}

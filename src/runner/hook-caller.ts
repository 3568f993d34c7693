import type { BuildContext } from "./attempt.ts";
import { JobEnded, type Watch } from "./interrupts.ts";
import { type Hook, type HookResult, startHook } from "./process.ts";
import type { HookRun, JobPosition } from "./types.ts";

/** One call of a hook, ready to be made. */
export interface HookCall {
  readonly hook: HookRun["hook"];
  readonly stage: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How long an after_script may run, milliseconds. */
const afterScriptLimit = 300_000;

/** Calls the hooks of one attempt and keeps the record of them. */
export class HookCaller {
  readonly #context: BuildContext;
  readonly #attempt: number;
  readonly #directory: string;

  constructor(context: BuildContext, attempt: number, directory: string) {
    this.#context = context;
    this.#attempt = attempt;
    this.#directory = directory;
  }

  /**
   * Calls a hook and waits for its end.
   *
   * @throws JobEnded when the job is interrupted before or during the hook. That does not concern
   *   cleanup, which only the death of the runner keeps from running.
   */
  async call(call: HookCall): Promise<HookRun> {
    const { control, interrupts } = this.#context;
    await control.beforeStage?.(call.stage, this.#position());
    this.#stopIfEnded(call);
    const started = this.#start(call);
    const finish = started.hook.result.then((result) => this.#finish(call, started, result));
    if (call.hook === "run") {
      await this.#waitWithinReason(started, finish);
    } else {
      await finish;
    }
    if (started.isOver) {
      this.#stopIfEnded(call);
    } else {
      // The job goes on to cleanup while this stage is still being killed.
      this.#context.late.push(finish.then(() => undefined));
      throw new JobEnded(`${interrupts.ending} while ${call.stage} did not end`);
    }
    return finish;
  }

  /** Starts the hook, its output going to the log as far as the runner shows it there. */
  #start(call: HookCall): StartedHook {
    const { control, interrupts, log, settings } = this.#context;
    // Output cannot arrive before this function has returned, and so finds the watch in its place.
    let watch: Watch | undefined;
    const hook = startHook({
      argv: call.argv,
      env: call.env,
      cwd: this.#directory,
      ...settings.user,
      onOutput(stream, text) {
        // The log has all of it except what cleanup prints and the JSON of config.
        if (call.hook === "prepare" || call.hook === "run" || isConfigError(call, stream)) {
          log.write(text);
        }
        control.onOutput?.(text, call.stage);
        watch?.output(text);
      },
    });
    watch = interrupts.watch(call.stage, hook);
    const limit = this.#limit(call);
    const timer =
      limit === undefined ? undefined : setTimeout(() => hook.kill(settings.kill), limit);
    return { hook, watch, timer, startedAt: Date.now(), isOver: false };
  }

  async #finish(call: HookCall, started: StartedHook, result: HookResult): Promise<HookRun> {
    const { control, hooks } = this.#context;
    clearTimeout(started.timer);
    started.watch.end();
    const { log: _both, ...rest } = result;
    const run: HookRun = {
      hook: call.hook,
      stage: call.stage,
      attempt: this.#attempt,
      argv: call.argv,
      temporaryDirectory: this.#directory,
      envKeys: Object.keys(call.env),
      startedAt: started.startedAt,
      ...rest,
    };
    hooks.push(run);
    await control.afterHook?.(run, this.#position());
    started.isOver = true;
    return run;
  }

  #stopIfEnded(call: HookCall): void {
    const { ending } = this.#context.interrupts;
    if (ending === "died" || (ending !== undefined && call.hook !== "cleanup")) {
      throw new JobEnded(`${ending} at ${call.stage}`);
    }
  }

  /** Waits for a stage, but not forever once the job is over. */
  async #waitWithinReason(started: StartedHook, finish: Promise<unknown>): Promise<void> {
    const { interrupts, settings } = this.#context;
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      void interrupts.ended.then(() => {
        if (!started.isOver) {
          timer = setTimeout(resolve, settings.buildFinishWait);
        }
      });
    });
    await Promise.race([finish, enough]);
    clearTimeout(timer);
  }

  #limit(call: HookCall): number | undefined {
    if (call.hook === "run") {
      return call.stage === "after_script" ? afterScriptLimit : undefined;
    }
    return this.#context.settings.hookTimeouts[call.hook];
  }

  #position(): JobPosition {
    const { buildsDir, projectDir } = this.#context.state.directories;
    return {
      attempt: this.#attempt,
      temporaryDirectory: this.#directory,
      buildsDir,
      projectDir,
    };
  }
}

interface StartedHook {
  readonly hook: Hook;
  readonly watch: Watch;
  readonly timer: NodeJS.Timeout | undefined;
  readonly startedAt: number;
  isOver: boolean;
}

function isConfigError(call: HookCall, stream: "stdout" | "stderr"): boolean {
  return call.hook === "config" && stream === "stderr";
}

import { Attempt, type BuildContext, type PrepareOutcome } from "./attempt.ts";
import { endingFailure, type Failure, failureLine, failureOf } from "./failure.ts";
import { JobEnded } from "./interrupts.ts";
import {
  afterScriptStage,
  archiveCacheStage,
  cleanupStage,
  clearWorktree,
  prepareScript,
  type RetriedStage,
  type Stage,
  sourceStages,
  stepStages,
  uploadStage,
} from "./stages.ts";
import type { JobResult } from "./types.ts";
import { lastValue } from "./variables.ts";
import { atLeast, fullVersion } from "./version.ts";

const maximumAttempts = 3;
const longestStageWait = 300_000;

/** One job on its way through all hooks, in the order and with the decisions of gitlab-runner. */
export class Build {
  readonly #context: BuildContext;
  #attempts = 0;

  constructor(context: BuildContext) {
    this.#context = context;
  }

  /** Runs the job to its end, which is after the last `cleanup_exec`. */
  async run(): Promise<JobResult> {
    const { interrupts, job, late, log, settings } = this.#context;
    log.line(`Running with gitlab-runner ${fullVersion(settings.version)} (00000000)`);
    log.line('\x1b[0K\x1b[36;1mPreparing the "custom" executor\x1b[0;m');
    interrupts.start();
    let failure: Failure | undefined;
    try {
      failure = await this.#runAttempts();
    } catch (error) {
      if (!(error instanceof JobEnded)) {
        throw error;
      }
      failure = endingFailure(interrupts.ending, job.timeout);
    } finally {
      interrupts.stop();
      await Promise.all(late);
    }
    return this.#result(failure);
  }

  /** Prepares up to three times; only a failure of the system is worth another attempt. */
  async #runAttempts(): Promise<Failure | undefined> {
    const { interrupts, log, settings } = this.#context;
    for (;;) {
      this.#attempts += 1;
      const attempt = new Attempt(this.#context, this.#attempts);
      interrupts.phase = "prepare";
      const { outcome, failure } = await this.#runAttempt(attempt);
      if (outcome.kind !== "system-failure") {
        return failure;
      }
      log.line(`ERROR: Preparation failed: ${outcome.message}`);
      log.line(`Will be retried in ${settings.retryWait / 1000}s ...`);
      await this.#pause(settings.retryWait);
      if (this.#attempts === maximumAttempts) {
        return failure;
      }
    }
  }

  async #runAttempt(attempt: Attempt): Promise<{ outcome: PrepareOutcome; failure?: Failure }> {
    const { interrupts } = this.#context;
    try {
      const outcome = await attempt.prepare();
      const failure = outcome.kind === "ok" ? await this.#runStages(attempt) : failureOf(outcome);
      return { outcome, ...(failure === undefined ? {} : { failure }) };
    } finally {
      interrupts.phase = "cleanup";
      // With the runner dead there is nobody left to call cleanup.
      if (interrupts.ending !== "died") {
        await attempt.cleanup();
      }
    }
  }

  async #runStages(attempt: Attempt): Promise<Failure | undefined> {
    const { interrupts, job, state } = this.#context;
    interrupts.phase = "sources";
    const prepared = await attempt.runStage(prepareScript);
    if (prepared.kind !== "ok") {
      return failureOf(prepared, "prepare environment: ");
    }
    let failure: Failure | undefined;
    for (const retried of sourceStages(job, attempt.variables())) {
      failure ??= await this.#runRetried(attempt, retried);
    }
    if (failure !== undefined) {
      interrupts.phase = "late";
      return this.#runLateStages(attempt, failure);
    }
    interrupts.phase = "steps";
    interrupts.startScript();
    for (const stage of stepStages(job)) {
      failure ??= await this.#runStep(attempt, stage);
    }
    interrupts.phase = "late";
    state.status = interrupts.scriptEnding ?? (failure === undefined ? "success" : "failed");
    const afterFailure = await this.#runAfterScript(attempt);
    return this.#runLateStages(attempt, failure ?? afterFailure);
  }

  /** Tries a stage as often as the job wants; after any kind of failure, and the first counts. */
  async #runRetried(attempt: Attempt, retried: RetriedStage): Promise<Failure | undefined> {
    const { settings } = this.#context;
    let failure: Failure | undefined;
    for (let number = 1; number <= retried.tries; number += 1) {
      if (number > 1) {
        await this.#pause(Math.min(settings.stageRetryWait * 2 ** (number - 2), longestStageWait));
      }
      if (number === 2 && retried.stage.kind === "get_sources" && this.#clearsWorktree()) {
        await attempt.runStage(clearWorktree);
      }
      const outcome = await attempt.runStage(retried.stage);
      if (outcome.kind === "ok") {
        return undefined;
      }
      failure ??= failureOf(outcome);
    }
    return failure;
  }

  async #runStep(attempt: Attempt, stage: Stage): Promise<Failure | undefined> {
    const { interrupts, job, log } = this.#context;
    if (interrupts.scriptEnding !== undefined) {
      return endingFailure(interrupts.scriptEnding, job.timeout);
    }
    if (stage.name === "build_script") {
      log.line("WARNING: the 'build_script' stage will be replaced with 'step_script'");
    }
    const outcome = await attempt.runStage(stage);
    return interrupts.scriptEnding === undefined
      ? failureOf(outcome)
      : endingFailure(interrupts.scriptEnding, job.timeout);
  }

  /** What follows the script is not skipped by its failure; only this one's own can be ignored. */
  async #runAfterScript(attempt: Attempt): Promise<Failure | undefined> {
    const { job, log, settings } = this.#context;
    const stage = afterScriptStage(job);
    if (stage === undefined) {
      return undefined;
    }
    const failure = failureOf(await attempt.runStage(stage));
    const asked = lastValue(attempt.variables(), "AFTER_SCRIPT_IGNORE_ERRORS");
    if (failure === undefined || (asked === "false" && atLeast(settings.version, "17.1"))) {
      return failure;
    }
    log.line(`WARNING: after_script failed, but job will continue unaffected: ${failure.message}`);
    return undefined;
  }

  /** Saves cache and artifacts, and cleans up; each is tried whatever became of the others. */
  async #runLateStages(
    attempt: Attempt,
    scriptFailure: Failure | undefined,
  ): Promise<Failure | undefined> {
    const { job, settings } = this.#context;
    const succeeded = scriptFailure === undefined;
    let failure = scriptFailure;
    for (const stage of [archiveCacheStage(job, succeeded), uploadStage(job, succeeded)]) {
      if (stage !== undefined) {
        const own = failureOf(await attempt.runStage(stage));
        failure ??= own;
      }
    }
    const cleanup = cleanupStage(attempt.variables(), settings.version);
    if (cleanup !== undefined) {
      // The runner only warns about a failure here, in its own log.
      await attempt.runStage(cleanup);
    }
    return failure;
  }

  #clearsWorktree(): boolean {
    return atLeast(this.#context.settings.version, "16.9");
  }

  /** Waits, but not beyond the end of the job. */
  async #pause(milliseconds: number): Promise<void> {
    const { interrupts } = this.#context;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    await Promise.race([promise, interrupts.ended]);
    clearTimeout(timer);
    if (interrupts.ending !== undefined) {
      throw new JobEnded(`${interrupts.ending} between two tries`);
    }
  }

  #result(failure: Failure | undefined): JobResult {
    const { hooks, interrupts, job, log, state } = this.#context;
    if (interrupts.ending !== "died") {
      log.line(failure === undefined ? "Job succeeded" : failureLine(failure));
    }
    const secrets = job.sent.filter(({ masked }) => masked).map(({ value }) => value);
    return {
      status: failure?.status ?? "success",
      ...(failure === undefined ? {} : { failureReason: failure.reason }),
      ...(failure?.exitCode ? { exitCode: failure.exitCode } : {}),
      log: log.text(secrets),
      hooks,
      buildsDir: state.directories.buildsDir,
      projectDir: state.directories.projectDir,
      attempts: this.#attempts,
    };
  }
}

import { randomInt } from "node:crypto";
import { chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ConfigOutput, parseConfigOutput, usingLine } from "./config-output.ts";
import { jobDirectories, noDirectories, shortToken, temporaryProjectDir } from "./directories.ts";
import { exitCodeFile, hookEnvironment, responseFile } from "./environment.ts";
import { HookCaller } from "./hook-caller.ts";
import type { Interrupts } from "./interrupts.ts";
import type { JobLog } from "./job-log.ts";
import { encodePayload } from "./job-payload.ts";
import type { ResolvedJob } from "./job-spec.ts";
import { type HookOutcome, hookOutcome } from "./outcome.ts";
import type { ScriptShell } from "./quoting.ts";
import { gitStrategy } from "./script-git.ts";
import { stageScript } from "./scripts.ts";
import type { Settings } from "./settings.ts";
import type { Stage } from "./stages.ts";
import type { HookRun, JobControl } from "./types.ts";
import {
  type BuildState,
  buildVariables,
  expander,
  lastValue,
  type Variable,
} from "./variables.ts";
import { atLeast } from "./version.ts";

/** What all attempts of a job share. */
export interface BuildContext {
  readonly job: ResolvedJob;
  readonly settings: Settings;
  readonly control: JobControl;
  readonly state: BuildState;
  readonly interrupts: Interrupts;
  readonly log: JobLog;
  /** Filled as hooks end. */
  readonly hooks: HookRun[];
  /** Hooks which still run although the job went on without them. */
  readonly late: Promise<void>[];
}

/** The end of an attempt's preparation: a hook's outcome, or an unusable configuration. */
export type PrepareOutcome =
  | HookOutcome
  | { readonly kind: "configuration-error"; readonly message: string };

/** One try of config and prepare with its own `TMPDIR`, and the stages of the try that worked. */
export class Attempt {
  readonly #context: BuildContext;
  readonly #directory: string;
  readonly #caller: HookCaller;
  #config: ConfigOutput = {};
  #shell: ScriptShell = "bash";

  /** Creates the `TMPDIR`, with the job payload in it, and without an exit-code file. */
  constructor(context: BuildContext, number: number) {
    this.#context = context;
    const { tmpRoot } = context.settings.options;
    mkdirSync(tmpRoot, { recursive: true });
    this.#directory = this.#newDirectory(join(tmpRoot, "custom-executor"));
    const response = responseFile(this.#directory, context.settings.version);
    if (response !== undefined) {
      const fileDirectory = temporaryProjectDir(context.state.directories);
      const expand = expander(this.variables(), fileDirectory);
      this.#write(response, encodePayload(context.job, expand), 0o600);
    }
    this.#caller = new HookCaller(context, number, this.#directory);
  }

  /** Expanded variables of the build as they are now. */
  variables(): Variable[] {
    const { job, state, settings } = this.#context;
    return buildVariables(job, state, settings.facts);
  }

  /**
   * Runs `config_exec` and `prepare_exec`.
   *
   * @throws JobEnded when the job is interrupted.
   */
  async prepare(): Promise<PrepareOutcome> {
    const { config, prepare } = this.#context.settings.options.driver;
    const configured = config === undefined ? this.#apply("") : await this.#configure(config);
    if (configured.kind !== "ok" || prepare === undefined) {
      return configured;
    }
    return this.#outcome(await this.#call("prepare", "prepare", prepare));
  }

  /**
   * Runs one stage.
   *
   * @throws JobEnded when the job is interrupted.
   */
  async runStage(stage: Stage): Promise<HookOutcome> {
    const { job, settings, state, log } = this.#context;
    log.line(`\x1b[0K\x1b[36;1m${stage.heading}\x1b[0;m`);
    const script = stageScript(stage, {
      job,
      variables: this.variables(),
      directories: state.directories,
      hostname: this.#config.hostname ?? "",
      version: settings.version,
      frame: settings.options.scriptFrame,
      shell: this.#shell,
      gitlabRunner: settings.options.gitlabRunner ?? "gitlab-runner",
      store: settings.options.store,
    });
    // Before 17.4 the name kept the dot of an empty extension.
    const name = atLeast(settings.version, "17.4") ? "script" : "script.";
    const path = join(this.#newDirectory(join(this.#directory, "script")), name);
    this.#write(path, script, 0o700);
    const argv = [...settings.options.driver.run, path, stage.name];
    return this.#outcome(await this.#call("run", stage.name, argv));
  }

  /** Runs `cleanup_exec`, whatever went before, and removes the `TMPDIR`. */
  async cleanup(): Promise<void> {
    const { settings, log } = this.#context;
    const { cleanup } = settings.options.driver;
    if (cleanup !== undefined) {
      const outcome = this.#outcome(await this.#call("cleanup", "cleanup", cleanup));
      if (outcome.kind !== "ok") {
        log.line(`WARNING: Cleanup script failed: ${outcome.message}`);
      }
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #configure(argv: readonly string[]): Promise<PrepareOutcome> {
    const run = await this.#call("config", "config", argv);
    const outcome = this.#outcome(run);
    return outcome.kind === "ok" ? this.#apply(run.stdout) : outcome;
  }

  /** Takes over what `config_exec` printed and computes the directories of the job. */
  #apply(output: string): PrepareOutcome {
    const { job, settings, state, log } = this.#context;
    const { options, version } = settings;
    try {
      this.#config = parseConfigOutput(output, version);
    } catch (error) {
      return { kind: "system-failure", message: `parsing config_exec output: ${error}` };
    }
    log.line(usingLine(this.#config));
    const shell = this.#config.shell || "bash";
    if (shell !== "bash" && shell !== "sh") {
      return { kind: "system-failure", message: `shell ${shell} not found` };
    }
    this.#shell = shell;
    const buildsDir = this.#config.buildsDir ?? options.buildsDir ?? "";
    const variables = buildVariables(
      job,
      { ...state, directories: { ...noDirectories, buildsDir } },
      settings.facts,
    );
    const directories = jobDirectories(job, {
      configured: { buildsDir: options.buildsDir, cacheDir: options.cacheDir },
      config: this.#config,
      shortToken: shortToken(settings.facts.token, version),
      concurrentProjectId: state.concurrentProjectId,
      strategy: gitStrategy(variables, job.allowGitFetch),
      clonePath: lastValue(variables, "GIT_CLONE_PATH"),
      customBuildDir: options.customBuildDir ?? false,
      version,
    });
    if ("error" in directories) {
      return { kind: "configuration-error", message: directories.error };
    }
    state.directories = directories;
    return { kind: "ok" };
  }

  #call(hook: HookRun["hook"], stage: string, argv: readonly string[]): Promise<HookRun> {
    const { settings } = this.#context;
    const env = hookEnvironment({
      parent: settings.env,
      temporaryDirectory: this.#directory,
      jobEnv: this.#config.jobEnv ?? {},
      variables: this.variables(),
      version: settings.version,
    });
    return this.#caller.call({ hook, stage, argv, env });
  }

  #outcome(run: HookRun): HookOutcome {
    return hookOutcome(run, exitCodeFile(this.#directory, this.#context.settings.version));
  }

  /** A private directory whose name ends in random digits. */
  #newDirectory(prefix: string): string {
    const path = `${prefix}${randomInt(2 ** 32)}`;
    mkdirSync(path, { mode: 0o700 });
    this.#handOver(path);
    return path;
  }

  #write(path: string, text: string, mode: number): void {
    writeFileSync(path, text, { mode });
    this.#handOver(path);
  }

  #handOver(path: string): void {
    const { uid, gid } = this.#context.settings.user;
    if (uid !== undefined || gid !== undefined) {
      chownSync(path, uid ?? -1, gid ?? -1);
    }
  }
}

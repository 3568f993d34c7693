import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installGitlabRunner, Runner } from "../../src/runner/runner.ts";
import type { DriverCommands, HookRun, JobResult, RunnerOptions } from "../../src/runner/types.ts";

/** Bash text of each hook of a made-up driver; `run` has a default, the others are left out. */
export interface DriverTexts {
  readonly config?: string;
  readonly prepare?: string;
  readonly run?: string;
  readonly cleanup?: string;
}

/** Runs the script on this host and reports its exit code as a driver should. */
export const hostRun = `
bash < "$1" && exit 0
code=$?
if [ -n "\${BUILD_EXIT_CODE_FILE-}" ]; then echo "$code" > "$BUILD_EXIT_CODE_FILE"; fi
exit "$BUILD_FAILURE_EXIT_CODE"
`;

/** A run hook as `hostRun` which does something else, like `exit 2`, in one stage. */
export function failIn(stage: string, how: string): string {
  return `if [ "$2" = ${stage} ]; then ${how}; fi\n${hostRun}`;
}

/** A directory tree for one test file, with all that a runner needs. */
export class Bench {
  /** Not below /tmp: a driver may give its jobs a /tmp of their own. */
  readonly root = mkdtempSync("/var/tmp/runner-bench-");
  #drivers = 0;

  /** Writes a driver whose hooks are the given bash texts. */
  driver(texts: DriverTexts): DriverCommands {
    this.#drivers += 1;
    const directory = join(this.root, `driver${this.#drivers}`);
    mkdirSync(directory);
    const write = (name: string, text: string): readonly string[] => {
      const path = join(directory, name);
      writeFileSync(path, `#!/usr/bin/env bash\n${text}\n`);
      chmodSync(path, 0o755);
      return [path];
    };
    return {
      run: write("run", texts.run ?? hostRun),
      ...(texts.config === undefined ? {} : { config: write("config", texts.config) }),
      ...(texts.prepare === undefined ? {} : { prepare: write("prepare", texts.prepare) }),
      ...(texts.cleanup === undefined ? {} : { cleanup: write("cleanup", texts.cleanup) }),
    };
  }

  /** A runner for a made-up driver, without any of the long waits. */
  runner(texts: DriverTexts, options: Partial<RunnerOptions> = {}): Runner {
    return new Runner({
      driver: this.driver(texts),
      tmpRoot: join(this.root, "tmp"),
      store: join(this.root, "store"),
      buildsDir: join(this.root, "builds"),
      cacheDir: join(this.root, "cache"),
      env: { PATH: this.path() },
      retryWait: 1,
      stageRetryWait: 1,
      gracefulKill: 10_000,
      forceKill: 10_000,
      ...options,
    });
  }

  /** A PATH in which the stand-in for `gitlab-runner` comes first. */
  path(): string {
    const bin = join(this.root, "bin");
    installGitlabRunner(bin);
    return `${bin}:${process.env["PATH"]}`;
  }

  /** Removes everything. */
  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The hooks of a job in short: `config`, `prepare`, stage names, `cleanup`. */
export function sequence(result: JobResult): string[] {
  return result.hooks.map((run) => run.stage);
}

/** The only run of a stage. */
export function runOf(result: JobResult, stage: string): HookRun {
  const [run, ...more] = result.hooks.filter((one) => one.stage === stage);
  if (run === undefined || more.length > 0) {
    throw new Error(`${stage} ran ${more.length + (run ? 1 : 0)} times`);
  }
  return run;
}

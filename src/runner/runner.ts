import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { Build } from "./build.ts";
import { noDirectories } from "./directories.ts";
import gitlabRunner from "./gitlab-runner.bash" with { type: "text" };
import { Interrupts } from "./interrupts.ts";
import { JobLog } from "./job-log.ts";
import { type JobSpec, resolveJob } from "./job-spec.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import type { HookRun, JobControl, JobResult, RunnerOptions } from "./types.ts";

/**
 * A stand-in for gitlab-runner with one custom executor: it calls a driver's hooks with the
 * arguments, environment, files and signals of the real one, without a GitLab server.
 *
 * Any number of jobs may run at the same time, in one instance or in several.
 */
export class Runner {
  readonly #settings: Settings;
  readonly #running = new Map<
    number,
    { readonly project: number; readonly projectIndex: number }
  >();

  /** @throws Error when a path is not absolute, or `run_exec` is missing. */
  constructor(options: RunnerOptions) {
    checkOptions(options);
    this.#settings = resolveSettings(options);
    prepareStore(options.store);
  }

  /**
   * Runs a job to its end.
   *
   * A job that fails is a result and no error; what a callback of `control` throws is thrown here.
   */
  async run(spec: JobSpec, control: JobControl = {}): Promise<JobResult> {
    const job = resolveJob(spec);
    const { options, version, kill } = this.#settings;
    const { id, projectIndex } = this.#enter(job.project.id);
    const hooks: HookRun[] = [];
    const build = new Build({
      job,
      settings: this.#settings,
      control,
      state: {
        directories: noDirectories,
        status: "running",
        concurrentId: options.concurrentId ?? id,
        concurrentProjectId: options.concurrentId ?? projectIndex,
      },
      interrupts: new Interrupts(control, version, kill),
      log: new JobLog((text) => options.onLog?.(text, job.name)),
      hooks,
      late: [],
    });
    try {
      return await build.run();
    } finally {
      this.#running.delete(id);
    }
  }

  /** Takes the lowest numbers which no running job has, over all jobs and within the project. */
  #enter(project: number): { id: number; projectIndex: number } {
    const ofProject = [...this.#running.values()].filter((one) => one.project === project);
    const id = lowestFree([...this.#running.keys()]);
    const projectIndex = lowestFree(ofProject.map((one) => one.projectIndex));
    this.#running.set(id, { project, projectIndex });
    return { id, projectIndex };
  }
}

/**
 * Puts the stand-in for the `gitlab-runner` binary into a directory, which belongs into the PATH
 * of the cache and artifact stages.
 *
 * @returns The path of the program.
 */
export function installGitlabRunner(directory: string): string {
  const path = join(directory, "gitlab-runner");
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, gitlabRunner);
  chmodSync(path, 0o755);
  return path;
}

/** The calls of the installed `gitlab-runner` so far: subcommand and flags of each. */
export function gitlabRunnerCalls(store: string): string[][] {
  return readFileSync(callsFile(store), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}

function checkOptions(options: RunnerOptions): void {
  const { config, prepare, run, cleanup } = options.driver;
  const programs = [config, prepare, run, cleanup]
    .filter((argv) => argv !== undefined)
    .map((argv) => argv[0] ?? "");
  for (const path of [...programs, options.tmpRoot, options.store]) {
    if (!isAbsolute(path)) {
      throw new Error(`an absolute path is wanted: ${path}`);
    }
  }
}

/** The user of the jobs is not known here, so everybody may write, as in /tmp. */
function prepareStore(store: string): void {
  for (const directory of [store, join(store, "artifacts"), join(store, "cache")]) {
    if (!existsSync(directory)) {
      mkdirSync(directory, { recursive: true });
      chmodSync(directory, 0o1777);
    }
  }
  if (!existsSync(callsFile(store))) {
    writeFileSync(callsFile(store), "");
    chmodSync(callsFile(store), 0o666);
  }
}

function callsFile(store: string): string {
  return join(store, "calls.log");
}

function lowestFree(used: readonly number[]): number {
  let number = 0;
  while (used.includes(number)) {
    number += 1;
  }
  return number;
}

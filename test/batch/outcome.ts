import { AssertionError } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import type { JobControl, JobResult } from "../../src/runner/types.ts";

/** What a job's result must be; what is left out may be anything. */
export interface Wanted {
  readonly status?: JobResult["status"];
  readonly reason?: JobResult["failureReason"];
  readonly exitCode?: number;
  /** Of the hook that ran the script. */
  readonly hookCode?: number;
  readonly attempts?: number;
  /** In the log, in this order. */
  readonly says?: readonly (string | RegExp)[];
  readonly never?: readonly (string | RegExp)[];
}

/** @throws {AssertionError} With all that is different, and the job's log. */
export function mustBe(result: JobResult, wanted: Wanted): void {
  const { says = [], never = [], ...plain } = wanted;
  const found: Wanted = {
    status: result.status,
    ...(result.failureReason && { reason: result.failureReason }),
    ...(result.exitCode !== undefined && { exitCode: result.exitCode }),
    hookCode: result.hooks.find((hook) => hook.stage === "build_script")?.code ?? -1,
    attempts: result.attempts,
  };
  const problems = Object.entries(plain).flatMap(([name, value]) => {
    const seen = found[name as keyof Wanted];
    return seen === value ? [] : [`${name}: ${seen ?? "none"}, wanted ${value}`];
  });
  let rest = result.log;
  for (const text of says) {
    const at = typeof text === "string" ? rest.indexOf(text) : rest.search(text);
    if (at === -1) problems.push(`the log does not say, or not in this order: ${text}`);
    else rest = rest.slice(at);
  }
  for (const text of never) {
    if (typeof text === "string" ? result.log.includes(text) : text.test(result.log))
      problems.push(`the log says: ${text}`);
  }
  if (problems.length > 0) fail(`${problems.join("\n")}\n--- log:\n${result.log}`);
}

/** @throws {AssertionError} */
export function must(condition: boolean, what: string): void {
  if (!condition) fail(what);
}

function fail(message: string): never {
  throw new AssertionError({ message });
}

/** @throws {AssertionError} When it does not hold within half a minute. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) fail(`half a minute has passed and still not: ${what}`);
    await Bun.sleep(100);
  }
}

type Step = readonly [text: string, act: (log: string) => void | Promise<void>];

/** Acts once for each text, in this order, when the log so far ends with or contains it after the one before. */
export function steps(...list: readonly Step[]): Pick<JobControl, "onOutput"> {
  let log = "";
  let from = 0;
  let next = 0;
  return {
    onOutput(text) {
      log += text;
      for (let step = list[next]; step !== undefined; step = list[next]) {
        const at = log.indexOf(step[0], from);
        if (at === -1) return;
        from = at + step[0].length;
        next++;
        void step[1](log);
      }
    },
  };
}

/** The scheduler's id, as the driver tells it. */
export function idIn(log: string): string {
  const id = /^.*Submitted \w+ job (\S+)/m.exec(log)?.[1];
  return id ?? fail(`no job was submitted:\n${log}`);
}

/** Processes of the hooks that this process runs as a runner with its files in `directory`. */
export function hooksIn(directory: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
        return parent === process.pid && environment.includes(`TMPDIR=${directory}/`);
      } catch {
        return false;
      }
    });
}

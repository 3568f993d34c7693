import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type {
  Answer,
  Call,
  JobState,
  Submission,
  Submitted,
} from "../../src/executors/batch/scheduler.ts";
import { slurm } from "../../src/executors/batch/slurm.ts";
import type { SlurmCluster } from "../fixtures/slurm.ts";

export interface Job {
  readonly id: string;
  readonly name: string;
  readonly output: string;
}

export interface Wanted {
  readonly words?: readonly string[];
  readonly script?: string;
  readonly output?: string;
  /** The hook's own variables, before the scheduler's filter. */
  readonly hook?: Readonly<Record<string, string>>;
}

export interface Client {
  readonly cluster: SlurmCluster;
  readonly user: { readonly uid: number; readonly gid: number };
  /** Where everybody can write. */
  readonly shared: string;
}

/** Carries out what `slurm` says, as an ordinary user. */
export function makeRequests({ cluster, user, shared }: Client) {
  let count = 0;
  const ask = (call: Call, hook: Readonly<Record<string, string>> = {}): Answer => {
    const kept = Object.entries(hook).filter(([name]) => slurm.keepsVariable(name));
    return cluster.run(call.argv, { user, env: { ...Object.fromEntries(kept), ...call.env } });
  };
  const askLater = (call: Call): Promise<Answer> =>
    cluster.start(call.argv, { user, env: call.env ?? {} });
  const version = /\d+\.\d+(\.\d+)?/.exec(slurm.version ? ask(slurm.version).stdout : "")?.[0];
  const order = (wanted: Wanted): Submission => {
    const name = `ci${process.pid}x${++count}`;
    const { words = [], script = "exit 0" } = wanted;
    const wrapper = join(shared, `${name}.sh`);
    const output = wanted.output ?? join(shared, `${name}.out`);
    writeFileSync(wrapper, `#!/bin/bash\n:\n${script}\n`, { mode: 0o755 });
    return { name, words, output, wrapper, version: version ?? "", directory: shared };
  };
  const submit = (
    wanted: Wanted,
  ): Submitted & { readonly name: string; readonly output: string } => {
    const { name, output, ...rest } = order(wanted);
    const call = slurm.submit({ name, output, ...rest });
    return { ...slurm.readSubmission(ask(call, wanted.hook)), name, output };
  };
  const accepted = (wanted: Wanted = {}): Job => {
    const submitted = submit(wanted);
    if (submitted.kind !== "accepted") throw new Error(JSON.stringify(submitted));
    return submitted;
  };
  const stateOf = ({ id }: { readonly id: string }): JobState => {
    const state = slurm.readState(ask(slurm.query(id)), id);
    if ("again" in state) throw new Error("asked again");
    return state;
  };
  /** The first state that is as wanted; the last one when none is, for the test to show it. */
  const reach = (
    job: { readonly id: string },
    isWanted: (state: JobState) => boolean,
    seconds = 20,
  ): Promise<JobState> => poll(() => stateOf(job), isWanted, seconds);
  /** A job that has written `up`: signals in a job's first moments may be lost. */
  const running = async (wanted: Wanted): Promise<Job> => {
    const job = accepted(wanted);
    const state = await reach(job, ({ phase }) => phase !== "pending");
    const said = await poll(
      () => textOf(job.output),
      (text) => text.includes("up"),
      5,
    );
    if (state.phase === "running" && state.restarts === 0 && said.includes("up")) return job;
    throw new Error(`${JSON.stringify(state)}: ${said}`);
  };
  const cancel = (job: Job) => slurm.readCancel(ask(slurm.cancel(job.id)));
  return { ask, askLater, order, submit, accepted, stateOf, reach, running, cancel };
}

/** A file's text, empty while there is none. */
export function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

async function poll<T>(look: () => T, isWanted: (seen: T) => boolean, seconds: number): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = look();
    if (isWanted(seen) || Date.now() > deadline) return seen;
    await Bun.sleep(100);
  }
}

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { quoteWord } from "../../src/bash/quote.ts";
import type { Scheduler } from "../../src/executors/batch/scheduler.ts";

/**
 * Fills a directory with programs that call the scheduler's own, for `[batch] scheduler_bin`. The function that it
 * returns makes the next submission's answer get lost on its way, when the scheduler has carried it out.
 */
export function makeLosingBin(
  directory: string,
  scheduler: Scheduler["name"],
  programs: Readonly<Record<string, string>>,
): () => void {
  const trigger = `${directory}/lose/answer`;
  mkdirSync(`${directory}/lose`, { recursive: true });
  // Another user's submission removes the file.
  for (const path of [directory, `${directory}/lose`]) chmodSync(path, 0o777);
  const submission = { slurm: "sbatch", flux: "flux", pbs: "qsub", lsf: "bsub" }[scheduler];
  const isSubmission = scheduler === "flux" ? '[ "$1" = batch ]' : '[ "$1" != --version ]';
  for (const [name, real] of Object.entries(programs)) {
    const lines = [
      `${isSubmission} && [ -e ${quoteWord(trigger)} ] || exec ${quoteWord(real)} "$@"`,
      `rm ${quoteWord(trigger)}`,
      `${quoteWord(real)} "$@" > /dev/null 2>&1`,
      "kill -KILL $$",
    ];
    const text = name === submission ? lines : [`exec ${quoteWord(real)} "$@"`];
    writeFileSync(`${directory}/${name}`, `#!/bin/sh\n${text.join("\n")}\n`);
    chmodSync(`${directory}/${name}`, 0o755);
  }
  return () => writeFileSync(trigger, "");
}

import { appendNote, type BatchRecipe, type Prepared } from "../executors/attempt.ts";
import { type BatchFigures, runBatch } from "../executors/batch/run-batch.ts";
import { createLog } from "../host/log.ts";
import type { Outcome } from "../plan/outcome.ts";
import { untilSignal } from "./signals.ts";

/** The user's script as a batch job: this process waits for it, follows its output and judges its end. */
export async function runBatchStage(work: {
  readonly directory: string;
  readonly prepared: Prepared;
  readonly recipe: BatchRecipe;
  readonly script: string;
  readonly stage: string;
}): Promise<Outcome> {
  const log = createLog({ info: 1 });
  const note = (figures: BatchFigures) => appendNote(work.directory, { kind: "batch", ...figures });
  return await untilSignal((signal) => runBatch({ ...work, log, signal, note }));
}

import { unlinkIfThere } from "../../host/files.ts";
import type { Log } from "../../host/log.ts";
import { cancelRecorded } from "./cancel.ts";
import { readRecord } from "./record.ts";
import { schedulerNamed } from "./schedulers.ts";

/**
 * Cancels the scheduler's job that a killed hook left behind, by the record that was written before it was submitted,
 * and removes the record. False when the scheduler does not answer: then the record stays for the next cleanup, and what
 * the job uses must stay as well.
 */
export async function endBatchJob(file: string, log: Log): Promise<boolean> {
  const record = readRecord(file);
  const scheduler = record && schedulerNamed(record.scheduler);
  if (record === undefined || scheduler === undefined) return true;
  const title = `${scheduler.title} job ${record.id ?? record.name}`;
  const result = await cancelRecorded(file, record, scheduler);
  if (result === "cancelled")
    log.log(`Cancelled ${title}, which a hook that was killed left behind`);
  if (result === "unsure") log.warn(`${title} may still run: ${scheduler.title} does not answer`);
  else unlinkIfThere(file);
  return result !== "unsure";
}

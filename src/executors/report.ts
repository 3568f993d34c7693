import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { appendLine, eventLine, type LogEvent, sendToSyslog } from "../host/event-log.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorCode, errorMessage } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import type { News } from "../metrics/figures.ts";
import type { Outcome } from "../plan/outcome.ts";
import { planReports, type Reports } from "../plan/report-files.ts";
import { appendNote, readRunning, readState } from "./attempt.ts";
import { figuresOf } from "./attempt-figures.ts";
import { type HookOutcome, type Note, readNotes } from "./notes.ts";
import type { AttemptState } from "./site.ts";

/** Where one attempt is reported: the figures for node_exporter, the admin's log. Nothing here ever fails a job. */
interface Reporter {
  readonly directory: string;
  readonly state: AttemptState;
  readonly to: Reports;
  readonly log: Log;
}

/** Notes and tells the end of `config` or `prepare`; `config` also that a job runs now. */
export async function reportHook(
  hook: "config" | "prepare",
  outcome: Outcome,
  directory: string | undefined,
  log: Log,
): Promise<void> {
  const reporter = reporterOf(directory, log);
  if (reporter === undefined) return;
  const seconds = performance.now() / 1000;
  const word = hookWord(outcome);
  appendNote(reporter.directory, { kind: "hook", hook, outcome: word, seconds });
  tellLog(reporter, { phase: hook, seconds, outcome: word, message: messageOf(outcome) });
  const { state } = reporter;
  const { token, holder, expires, settings } = state;
  if (hook !== "config" || word !== "success") return;
  const attempt = { executor: settings.general.executor, holder, expires };
  await tellMetrics(reporter, { version: 1, token, kind: "started", attempt });
}

/** Tells how an attempt ended, from its notes; once, however often it is called. `stages`: those that began. */
export async function reportEnd(
  directory: string,
  stages: readonly string[],
  log: Log,
): Promise<void> {
  const reporter = reporterOf(directory, log);
  if (reporter === undefined) return;
  const { state } = reporter;
  const { token, settings } = state;
  const notes = readNotes(directory);
  const begun = { stages, pid: readRunning(directory)?.pid };
  const figures = figuresOf(settings.general.executor, notes, begun);
  if (isFirst(`${directory}/jacamar-reported`)) {
    for (const event of notes.flatMap(stageEvent)) tellLog(reporter, event);
    const seconds = (Date.now() - (state.began ?? Date.now())) / 1000;
    tellLog(reporter, { phase: "job", seconds, outcome: figures.outcome });
  }
  await tellMetrics(reporter, { version: 1, token, kind: "ended", figures });
}

function reporterOf(directory: string | undefined, log: Log): Reporter | undefined {
  const state = directory === undefined ? undefined : stateIn(directory, log);
  if (directory === undefined || state === undefined) return undefined;
  return { directory, state, to: planReports(state.settings, state.user, hostname()), log };
}

function stateIn(directory: string, log: Log): AttemptState | undefined {
  try {
    return readState<AttemptState>(directory);
  } catch (error) {
    log.warn(`cannot report this hook's end: ${errorMessage(error)}`);
    return undefined;
  }
}

function hookWord(outcome: Outcome): HookOutcome {
  if (outcome.kind === "exited") return outcome.status === 0 ? "success" : "system_failure";
  if (outcome.kind === "refused")
    return outcome.refusal.fault === "system" ? "system_failure" : "refused";
  return outcome.kind === "cancelled" ? "cancelled" : "system_failure";
}

function messageOf(outcome: Outcome): string | undefined {
  if (outcome.kind === "exited") return undefined;
  return outcome.kind === "refused" ? outcome.refusal.message : outcome.message;
}

function stageEvent(note: Note): LogEvent[] {
  if (note.kind !== "stage") return [];
  const { stage, seconds, word, status } = note;
  const failure = word === "exited" ? "script_failure" : "system_failure";
  const outcome =
    word === "cancelled" || word === "refused" ? word : status === 0 ? "success" : failure;
  return [{ phase: "stage", stage, seconds, outcome, ...(status >= 0 && { status }) }];
}

function tellLog(reporter: Reporter, event: LogEvent): void {
  const { to, state } = reporter;
  if (to.file === undefined && !to.syslog) return;
  const { settings, user, job } = state;
  const line = eventLine({
    time: new Date().toISOString(),
    host: hostname(),
    name: settings.general.name,
    job: job.id,
    project: job.project,
    user: user.name,
    executor: settings.general.executor,
    ...event,
    seconds: Number(Number(event["seconds"]).toFixed(3)),
  });
  const { file } = to;
  if (file !== undefined) {
    const key = `[general.log] file = ${JSON.stringify(settings.log.file)}`;
    attempt(reporter, key, () => appendLine(absolute(file), line));
  }
  if (to.syslog) attempt(reporter, "[general.log] syslog = true", () => sendToSyslog(line));
}

async function tellMetrics(reporter: Reporter, news: News): Promise<void> {
  const { textfile } = reporter.to;
  if (textfile === undefined) return;
  const key = `[general.metrics] textfile = ${JSON.stringify(reporter.state.settings.metrics.textfile)}`;
  try {
    const { tellTextFile } = await import("../metrics/text-file.ts");
    await tellTextFile(absolute(textfile), news);
  } catch (error) {
    warnOnce(reporter, key, error);
  }
}

function attempt(reporter: Reporter, key: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    warnOnce(reporter, key, error);
  }
}

function absolute(path: string): string {
  if (path.startsWith("/")) return path;
  throw new SystemFailure("it is relative; wanted an absolute path");
}

/** One line in a job's log for each key, whatever number of hooks find the same. */
function warnOnce({ directory, log }: Reporter, key: string, error: unknown): void {
  const name = key.replaceAll(/[^a-z]+/g, "-");
  if (!isFirst(`${directory}/jacamar-warned${name}`)) return;
  log.warn(`cannot write what ${key} asks for: ${errorMessage(error)}; the job goes on`);
}

/** Whether nobody has made this mark before. Where no mark can be made, everybody is the first. */
function isFirst(mark: string): boolean {
  try {
    writeFileSync(mark, "", { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    return errorCode(error) !== "EEXIST";
  }
}

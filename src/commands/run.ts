import { writeFileSync } from "node:fs";
import { entryPath } from "../bash/entry-path.ts";
import { quoteWord } from "../bash/quote.ts";
import {
  appendNote,
  attemptDirectory,
  type Prepared,
  readPrepared,
  runningPath,
  STATE_VARIABLE,
  SUMMARY_FILE,
  SUPERVISE_FILE,
} from "../executors/attempt.ts";
import { writeEntry } from "../executors/entry.ts";
import type { StageNote } from "../executors/notes.ts";
import { replaceBy } from "../host/exec.ts";
import { SystemFailure } from "../host/failure.ts";
import { identify } from "../host/proc.ts";
import { writeLine } from "../host/redact.ts";
import { isArtifactStage, isBatchStage, stageKind } from "../job/stages.ts";
import type { Outcome } from "../plan/outcome.ts";
import { type Environment, type ExitProtocol, runHook } from "./hook.ts";

/** The `run` hook. For a stage on this host it comes back only with a failure: else it has become the supervisor. */
export async function runStageHook(
  script: string,
  stage: string,
  env: Environment,
): Promise<number> {
  const complain = (message: string) => writeLine(2, `jacamar: error: ${message}`);
  const work = async (protocol: ExitProtocol) => {
    const directory = attemptDirectory(env);
    const prepared = loadPrepared(directory, stage);
    writeFileSync(runningPath(directory), JSON.stringify(identify(process.pid)), { mode: 0o600 });
    process.chdir(prepared.cwd);
    if (prepared.batch === undefined || !isBatchStage(stage)) {
      return supervise({ directory, prepared, protocol, script, stage });
    }
    const { runBatchStage } = await import("./run-batch.ts");
    return await runBatchStage({ directory, prepared, recipe: prepared.batch, script, stage });
  };
  return await runHook("run", env, complain, work, (outcome) => noteEnd(stage, outcome, env));
}

/** What supervise.bash notes of all other stages. */
function noteEnd(stage: string, outcome: Outcome, env: Environment): void {
  const directory = env[STATE_VARIABLE]?.replace(/\/[^/]*$/, "");
  if (!directory?.startsWith("/")) return;
  const word: StageNote["word"] =
    outcome.kind === "refused" && outcome.refusal.fault === "system" ? "failed" : outcome.kind;
  appendNote(directory, {
    kind: "stage",
    pid: process.pid,
    // As supervise.bash knows it.
    stage: entryPath("", stage).slice(1, -".bash".length),
    word,
    status: outcome.kind === "exited" ? outcome.status : -1,
    seconds: performance.now() / 1000,
  });
}

function loadPrepared(directory: string, stage: string): Prepared {
  const prepared = readPrepared(directory);
  if (prepared === undefined) {
    throw new SystemFailure(
      `cannot run stage ${stage}: the prepare hook of this job has not succeeded (${directory})`,
    );
  }
  if (prepared.noArtifacts !== undefined && isArtifactStage(stage)) {
    throw new SystemFailure(`cannot run stage ${stage}: ${prepared.noArtifacts}`);
  }
  return prepared;
}

/**
 * Starts a stage on this host: writes its entry program and becomes the supervising Bash. That happens about ten times a
 * job, so one small file is read and nothing is decided that `prepare` could decide.
 */
function supervise(work: {
  readonly directory: string;
  readonly prepared: Prepared;
  readonly protocol: ExitProtocol;
  readonly script: string;
  readonly stage: string;
}): never {
  const { directory, prepared, protocol, script, stage } = work;
  const recipe = prepared.recipes[stageKind(stage)];
  const { entry, record } = writeEntry(prepared.scripts, recipe, script, stage);
  if (recipe.shown !== undefined) writeLine(1, `${recipe.shown} ${quoteWord(entry)}`);
  const { buildFailure, systemFailure, exitCodeFile = "" } = protocol;
  const summarizes = prepared.summary !== undefined && isBatchStage(stage);
  const file = summarizes ? SUMMARY_FILE : SUPERVISE_FILE;
  const program = [`${directory}/${file}`, recipe.kind, record];
  const numbers = [prepared.killTimeout, buildFailure, systemFailure].map(String);
  const command = ["--", ...recipe.argv, entry];
  // -p: a BASH_ENV of the site is for its jobs, not for this program.
  const words = [prepared.bash, "-p", ...program, ...numbers, exitCodeFile, ...command];
  return replaceBy(prepared.bash, words, recipe.env);
}

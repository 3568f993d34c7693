import { readFileSync, writeFileSync } from "node:fs";
import { entryPath, recordPath, scriptPath } from "../bash/entry-path.ts";
import { quoteWord } from "../bash/quote.ts";
import { containerEntryProgram, hostEntryProgram } from "../bash/templates.ts";
import {
  attemptDirectory,
  type Prepared,
  type Recipe,
  readPrepared,
  runningPath,
  SUPERVISE_FILE,
} from "../executors/attempt.ts";
import { replaceBy } from "../host/exec.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorMessage, unlinkIfThere } from "../host/files.ts";
import { identify } from "../host/proc.ts";
import { writeLine } from "../host/redact.ts";
import { isArtifactStage, stageKind } from "../job/stages.ts";
import { type Environment, type ExitProtocol, runHook } from "./hook.ts";

/** The `run` hook. Comes back only with a failure: else this process has become the stage's supervisor. */
export async function runStageHook(
  script: string,
  stage: string,
  env: Environment,
): Promise<number> {
  const complain = (message: string) => writeLine(2, `jacamar: error: ${message}`);
  return await runHook("run", env, complain, async (protocol) =>
    runStage(script, stage, env, protocol),
  );
}

/**
 * Starts one stage: writes its entry program and becomes the supervising Bash. Runs about ten times a job, so it reads
 * one small file and decides nothing that `prepare` could decide.
 */
function runStage(script: string, stage: string, env: Environment, protocol: ExitProtocol): never {
  const directory = attemptDirectory(env);
  const prepared = readPrepared(directory);
  if (prepared === undefined) {
    throw new SystemFailure(
      `cannot run stage ${stage}: the prepare hook of this job has not succeeded (${directory})`,
    );
  }
  if (prepared.noArtifacts !== undefined && isArtifactStage(stage)) {
    throw new SystemFailure(`cannot run stage ${stage}: ${prepared.noArtifacts}`);
  }
  const recipe = prepared.recipes[stageKind(stage)];
  const { entry, record } = writeEntry(prepared, recipe, script, stage);
  const command = [...recipe.argv, entry];
  if (recipe.shown !== undefined) writeLine(1, `${recipe.shown} ${quoteWord(entry)}`);
  writeFileSync(runningPath(directory), JSON.stringify(identify(process.pid)), { mode: 0o600 });
  process.chdir(prepared.cwd);
  const { buildFailure, systemFailure, exitCodeFile = "" } = protocol;
  const codes = [String(buildFailure), String(systemFailure), exitCodeFile];
  const supervise = [
    `${directory}/${SUPERVISE_FILE}`,
    recipe.kind,
    record,
    String(prepared.killTimeout),
  ];
  return replaceBy(
    prepared.bash,
    [prepared.bash, "-p", ...supervise, ...codes, "--", ...command],
    recipe.env,
  );
}

function writeEntry(
  prepared: Prepared,
  recipe: Recipe,
  script: string,
  stage: string,
): { readonly entry: string; readonly record: string } {
  const entry = entryPath(prepared.scripts, stage);
  const record = recordPath(prepared.scripts, stage);
  try {
    const text = readFileSync(script, "utf8");
    unlinkIfThere(record);
    if (recipe.kind === "host") {
      put(entry, hostEntryProgram({ record, fallback: recipe.fallback ?? "", script: text }));
    } else {
      const copy = scriptPath(prepared.scripts, stage);
      const { interpreter = "", shell = "" } = recipe;
      put(copy, text);
      put(entry, containerEntryProgram({ interpreter, shell, script: copy, record }));
    }
  } catch (error) {
    throw new SystemFailure(
      `cannot write the script of stage ${stage} to ${prepared.scripts}: ${errorMessage(error)}`,
    );
  }
  return { entry, record };
}

/** A new file each time: the old one may be open in a container, or be a link. */
function put(path: string, text: string): void {
  unlinkIfThere(path);
  writeFileSync(path, text, { flag: "wx", mode: 0o700 });
}

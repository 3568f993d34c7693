import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { entryPath, recordPath, scriptPath } from "../bash/entry-path.ts";
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
import { errorMessage } from "../host/files.ts";
import { writeLine } from "../host/log.ts";
import { identify } from "../host/proc.ts";
import { isArtifactStage, stageKind } from "../job/stages.ts";

/** Which exit codes gitlab-runner understands, and where it reads a script's own status. */
export interface ExitProtocol {
  readonly buildFailure: number;
  readonly systemFailure: number;
  readonly exitCodeFile: string | undefined;
}

/**
 * Starts one stage: writes its entry program and becomes the supervising Bash. Runs about ten times a job, so it reads
 * one small file and decides nothing that `prepare` could decide.
 */
export function runStage(
  script: string,
  stage: string,
  env: Readonly<Record<string, string | undefined>>,
  protocol: ExitProtocol,
): never {
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
  if (recipe.shown !== undefined) writeLine(1, `${recipe.shown} ${entry}`);
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
    [prepared.bash, ...supervise, ...codes, "--", ...command],
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
    rmSync(record, { force: true });
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
  rmSync(path, { force: true });
  writeFileSync(path, text, { flag: "wx", mode: 0o700 });
  chmodSync(path, 0o700);
}

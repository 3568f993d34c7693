import type { Environment } from "./hook.ts";
import { runStageHook } from "./run.ts";

/**
 * Runs the driver with the words of its command line and gives the exit code of the process. `run SCRIPT STAGE`, which
 * gitlab-runner calls about ten times a job, is told from the words alone: what it does not load, it need not wait for.
 * What `run` needs comes with the entry point itself, since each file that is looked up later costs it time.
 */
export async function start(words: readonly string[], env: Environment): Promise<number> {
  const [script, stage] = stageWords(words);
  if (script !== undefined && stage !== undefined) {
    return await runStageHook(script, stage, env);
  }
  const { runCommandLine } = await import("./cli.ts");
  return await runCommandLine(words, env);
}

const GLOBAL_FLAGS = ["-u", "--unobfuscated", "--no-auth"];

function stageWords(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => !GLOBAL_FLAGS.includes(word));
  const rest = words.slice(at + 1);
  const isPlain =
    words[at] === "run" && rest.length === 2 && !rest.some((word) => word.startsWith("-"));
  return isPlain ? rest : [];
}

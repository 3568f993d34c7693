import type { Environment } from "./hook.ts";
import type { PlainHook } from "./hooks.ts";
import { runStageHook } from "./run.ts";

/**
 * Runs the driver with the words of its command line and gives the exit code of the process. The hooks as gitlab-runner
 * calls them are told from the words alone: what they do not load, they need not wait for. What `run` needs, which is
 * called about ten times a job, comes with the entry point itself, since each file that is looked up later costs time.
 */
export async function start(words: readonly string[], env: Environment): Promise<number> {
  const at = words.findIndex((word) => !GLOBAL_FLAGS.includes(word));
  const [name = "", ...rest] = at < 0 ? [] : words.slice(at);
  const [script, stage] = rest;
  if (name === "run" && arePlain(rest, 2) && script !== undefined && stage !== undefined) {
    return await runStageHook(script, stage, env);
  }
  if (isPlainHook(name, rest)) {
    const { runPlainHook } = await import("./hooks.ts");
    return await runPlainHook(name, rest[1] ?? "", {
      env,
      noAuth: words.slice(0, at).includes("--no-auth"),
      exit: 0,
    });
  }
  const { runCommandLine } = await import("./cli.ts");
  return await runCommandLine(words, env);
}

const GLOBAL_FLAGS = ["-u", "--unobfuscated", "--no-auth"];

function arePlain(words: readonly string[], count: number): boolean {
  return words.length === count && !words.some((word) => word.startsWith("-"));
}

/** Whatever else the words say, also what is wrong with them, is for the whole command line to find out. */
function isPlainHook(name: string, rest: readonly string[]): name is PlainHook {
  if (name === "prepare") return rest.length === 0;
  if (name === "cleanup" && rest.length === 0) return true;
  const [option, ...value] = rest;
  return ["config", "cleanup"].includes(name) && option === "--configuration" && arePlain(value, 1);
}

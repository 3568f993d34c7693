import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { entryPath, recordPath, scriptPath } from "../bash/entry-path.ts";
import { containerEntryProgram, hostEntryProgram } from "../bash/entry-programs.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorMessage, unlinkIfThere } from "../host/files.ts";
import type { Recipe } from "./attempt.ts";

/**
 * Writes the program that a stage starts with, around the script that gitlab-runner generated; `gated`: in a container
 * it waits for the word of a batch job's program.
 */
export function writeEntry(
  scripts: string,
  recipe: Recipe,
  script: string,
  stage: string,
  options: { readonly gated?: boolean } = {},
): { readonly entry: string; readonly record: string } {
  const entry = entryPath(scripts, stage);
  const record = recordPath(scripts, stage);
  try {
    const text = readFileSync(script, "utf8");
    unlinkIfThere(record);
    if (recipe.kind === "host") {
      put(entry, hostEntryProgram({ record, fallback: recipe.fallback ?? "", script: text }));
    } else {
      const copy = scriptPath(scripts, stage);
      const { interpreter = "", shell = "" } = recipe;
      put(copy, text);
      put(entry, containerEntryProgram({ interpreter, shell, script: copy, record, ...options }));
    }
  } catch (error) {
    throw new SystemFailure(
      `cannot write the script of stage ${stage} to ${scripts}: ${errorMessage(error)}`,
    );
  }
  return { entry, record };
}

/** File names of the stages whose entry programs were written to a job's scripts directory; none when that has gone. */
export function stagesIn(scripts: string): string[] {
  try {
    const programs = readdirSync(scripts).filter((name) => name.endsWith(".bash"));
    return programs.map((name) => name.slice(0, -".bash".length));
  } catch {
    return [];
  }
}

/** A new file each time: the old one may be open in a container, or be a link. */
function put(path: string, text: string): void {
  unlinkIfThere(path);
  writeFileSync(path, text, { flag: "wx", mode: 0o700 });
}

import { quoteWord } from "../../bash/quote.ts";
import type { GivenVariable, Part } from "./variables.ts";

export interface UserProgramInput {
  /** Redacted: entries of `before_script` and `script`. */
  readonly entries: readonly string[];
  readonly variables: readonly GivenVariable[];
  /** Where the asked ones lie. */
  readonly work: string;
  readonly project: string;
}

/**
 * The program that stands for the one that gitlab-runner generates for the user's script: it exports the job's variables,
 * announces each entry as the job log does, and stops at the first that fails. POSIX shell, but for what the user wrote.
 */
export function userProgram({ entries, variables, work, project }: UserProgramInput): string {
  return [
    ...variables.map((variable) => exportLine(variable, work)),
    `cd ${quoteWord(project)} || exit`,
    "if (set -o pipefail) 2> /dev/null; then set -o pipefail; fi",
    "set -o errexit",
    "set +o noclobber",
    ...entries.flatMap(entryLines),
    // As in the runner's frame: what came so far did not fail, whatever status a list's last test has.
    "exit 0",
    "",
  ].join("\n");
}

function exportLine(variable: GivenVariable, work: string): string {
  const { kind, name } = variable;
  switch (kind) {
    case "asked":
      return `${name}=$(cat ${quoteWord(`${work}/secret.${name}`)})\nexport ${name}`;
    case "file":
      return `export ${name}=${quoteWord(`${work}/file.${name}`)}`;
    case "text":
      return `export ${name}=${variable.parts.map(partText).join("")}`;
  }
}

function partText(part: Part): string {
  if ("asked" in part) return `"$${part.asked}"`;
  return part.text === "" ? "" : quoteWord(part.text);
}

/** A user's command, announced in green; only the first line of a longer one is shown. */
function entryLines(entry: string): readonly string[] {
  const [first = "", ...more] = entry.split("\n");
  const shown = `$ ${first}${more.length > 0 ? " # collapsed multi-line command" : ""}`;
  return [`printf '\\033[32;1m%s\\033[0;m\\n' ${quoteWord(shown)}`, entry];
}

import type { CompiledPattern } from "../settings/patterns.ts";
import { accept, type Decision, refuse, type Verdict } from "./decision.ts";
import { quoted } from "./quoted.ts";
import type { Reference } from "./reference.ts";

const KEY = "[general.charliecloud] image_allowlist";

/** How many patterns a refusal shows. */
const SHOWN = 5;

export interface JudgeInput {
  readonly reference: Pick<Reference, "written" | "canonical">;
  /** Absent: there is no allowlist. An empty list allows no image at all. */
  readonly patterns: readonly string[] | undefined;
  /** `compilePattern` of the settings; a parameter because its engine is slow to load and not always needed. */
  readonly compile: (pattern: string) => CompiledPattern;
  /** Whose image it is. @default "user" */
  readonly fault?: "user" | "admin";
}

/**
 * Decides whether the allowlist admits an image: one pattern has to match from the start of the name as written
 * or of its canonical form. A pattern that cannot be compiled refuses every image, whichever others match.
 */
export function judgeImage(input: JudgeInput): Verdict<Decision<"allowed">> {
  const { reference, patterns, compile, fault = "user" } = input;
  if (patterns === undefined) {
    return accept({ choice: "allowed", because: "there is no allowlist", from: KEY });
  }
  const compiled = patterns.map((pattern) => ({ pattern, result: compile(pattern) }));
  for (const { pattern, result } of compiled) {
    if (!result.ok) {
      const message = `Cannot apply ${KEY}: the pattern ${quoted(pattern)} is invalid: ${result.message}`;
      return refuse("admin", message, KEY);
    }
  }
  const match = compiled.find(
    ({ result }) =>
      result.ok &&
      (result.matchesFromStart(reference.written) || result.matchesFromStart(reference.canonical)),
  );
  if (match === undefined) {
    return refuse(fault, notListed(reference, patterns), KEY);
  }
  return accept({
    choice: "allowed",
    because: `it matches the pattern ${quoted(match.pattern)}`,
    from: KEY,
  });
}

function notListed(reference: JudgeInput["reference"], patterns: readonly string[]): string {
  const shown = patterns.slice(0, SHOWN).map(quoted).join(", ");
  const more = patterns.length > SHOWN ? ` and ${patterns.length - SHOWN} more` : "";
  const wanted =
    patterns.length === 0
      ? "this list is empty and allows no image"
      : `wanted a name that one of its patterns matches from the start: ${shown}${more}`;
  return (
    `Cannot use the image ${quoted(reference.written)} (${reference.canonical}): ` +
    `${KEY} does not allow it; ${wanted}`
  );
}

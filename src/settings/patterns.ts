import { RE2JS } from "re2js";

/** A compiled allowlist pattern, or why RE2 refuses it (one line, RE2's own words). */
export type CompiledPattern =
  | { readonly ok: true; readonly matchesFromStart: (subject: string) => boolean }
  | { readonly ok: false; readonly message: string };

/**
 * Compiles a regular expression in Go's (RE2) syntax.
 *
 * `matchesFromStart` tells whether the pattern matches from the first character on. The end is free: the pattern
 * `registry.example.org/` allows everything below it, and only `$` or `\z` closes it. Matching takes linear time.
 */
export function compilePattern(text: string): CompiledPattern {
  try {
    const compiled = RE2JS.compile(text);
    return { ok: true, matchesFromStart: (subject) => compiled.matcher(subject).lookingAt() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, message: message.replace("error parsing regexp: ", "") };
  }
}

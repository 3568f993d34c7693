/**
 * Quotes words for a POSIX shell. The only place in the driver where a value becomes shell text: in generated
 * scripts and in commands printed for people.
 */
const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word, unquoted where that is safe, else in single quotes. The value must not hold a NUL. */
export function quoteWord(value: string): string {
  if (PLAIN_WORD.test(value)) return value;
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/** A command line that can be pasted into a shell. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map(quoteWord).join(" ");
}

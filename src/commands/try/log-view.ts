/** Marks of a collapsible section, which GitLab's page does not show either. */
const SECTION_MARKS = /section_(?:start|end):\d+:[^\r\n]*\r(?:\x1b\[0K)?/g;

/** A job's log on its way to a screen or a file, line by line so that a secret is never cut. */
export interface LogView {
  add(text: string): void;
  /** Writes what is left of the last line. */
  end(): void;
}

/**
 * Shows a job's log as GitLab's page would: without the marks of sections; on a terminal with colours, elsewhere
 * without, and of a line that was written over and over only the last state.
 *
 * @param write Gets lines without their ends.
 */
export function logView(isTerminal: boolean, write: (line: string) => void): LogView {
  let open = "";
  return {
    add(text) {
      const lines = (open + text).split("\n");
      open = lines.pop() ?? "";
      for (const line of lines) write(shown(line, isTerminal));
    },
    end() {
      if (open !== "") write(shown(open, isTerminal));
      open = "";
    },
  };
}

function shown(line: string, isTerminal: boolean): string {
  const text = line.replace(SECTION_MARKS, "").replace(/\r+$/, "");
  if (isTerminal) return text;
  return Bun.stripANSI(text.slice(text.lastIndexOf("\r") + 1));
}

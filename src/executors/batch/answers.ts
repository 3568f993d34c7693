import type { Answer, JobState, Submitted } from "./scheduler.ts";

/** Whether one of the texts stands in what a command wrote to stderr, in whatever case. */
export function says({ stderr }: Answer, texts: readonly string[]): boolean {
  return texts.some((text) => stderr.toLowerCase().includes(text.toLowerCase()));
}

/** The lines of a text that are not blank, trimmed. */
export function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/**
 * The end of what a command wrote, as one line: the last line alone seldom names what is wrong. `prefix` is what the
 * command puts before each message.
 */
export function lastWords(answer: Answer, command: string, prefix?: RegExp): string {
  const { status, stdout, stderr } = answer;
  const text = stderr.trim() === "" ? stdout : stderr;
  const lines = linesOf(prefix === undefined ? text : text.replaceAll(prefix, ""));
  if (lines.length > 0) return [...new Set(lines.slice(-3))].join("; ");
  return status === undefined
    ? `${command} gave no answer`
    : `${command}: status ${status}, no message`;
}

/** What a submission came to, for a command that prints the id with status 0 and a message with any other. */
export function submittedBy(
  answer: Answer,
  input: {
    readonly id: string | undefined;
    readonly message: string;
    /** Words for a request that nobody acted on. */
    readonly unreachable: readonly string[];
    /** Words for one that may have been carried out. */
    readonly lost: readonly string[];
  },
): Submitted {
  const { id, message, unreachable, lost } = input;
  if (answer.status === undefined) return { kind: "lost", message };
  if (answer.status === 0)
    return id === undefined ? { kind: "lost", message } : { kind: "accepted", id };
  if (says(answer, lost)) return { kind: "lost", message };
  return { kind: says(answer, unreachable) ? "unreachable" : "refused", message };
}

/** Nothing more will come of the job, as far as the scheduler knows. */
export function isOver({ phase }: JobState): boolean {
  return phase === "ended" || phase === "forgotten";
}

/** The log of a job as GitLab shows it: hook output, and lines of the runner in between. */
export class JobLog {
  readonly #pieces: string[] = [];
  readonly #onText: (text: string) => void;
  #atLineStart = true;

  /** @param onText - Gets each piece as it is added. */
  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  /** Adds output as it is. */
  write(text: string): void {
    if (text !== "") {
      this.#pieces.push(text);
      this.#atLineStart = text.endsWith("\n");
      this.#onText(text);
    }
  }

  /** Adds a line of the runner itself, on a line of its own. */
  line(text: string): void {
    this.write(`${this.#atLineStart ? "" : "\n"}${text}\n`);
  }

  /** The whole log, with each secret replaced as on the job page. */
  text(secrets: readonly string[]): string {
    // Longest first, in case one secret contains another.
    return secrets
      .filter((secret) => secret !== "")
      .toSorted((one, other) => other.length - one.length)
      .reduce((log, secret) => log.replaceAll(secret, "[MASKED]"), this.#pieces.join(""));
  }
}

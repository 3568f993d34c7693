import { writeSync } from "node:fs";

const MASK = "[MASKED]";
/** How long a reader that is behind is left alone. */
const BUSY_MILLISECONDS = 5;
const secrets: string[] = [];

/** Registers values that no sink may show. Short values are left out: masking them would garble every line. */
export function registerSecrets(values: readonly string[]): void {
  for (const value of values) {
    for (const form of formsOf(value)) {
      if (form.length >= 4 && !secrets.includes(form)) secrets.push(form);
    }
  }
  // Longest first, so that a secret that contains another one is masked whole.
  secrets.sort((a, b) => b.length - a.length);
}

function formsOf(value: string): string[] {
  // What JSON can hold and UTF-8 cannot makes encodeURIComponent throw.
  const encoded = encodeURIComponent(value.toWellFormed());
  // As it stands in a quoted message or in JSON output.
  const inJson = JSON.stringify(value).slice(1, -1);
  return [value, inJson, encoded, Buffer.from(value).toString("base64")];
}

export function redact(text: string): string {
  let result = text;
  for (const secret of secrets) result = result.replaceAll(secret, MASK);
  return result;
}

/** Writes a line, redacted. A log that nobody reads any more must not decide a job's result. */
export function writeLine(fd: number, text: string): void {
  const bytes = Buffer.from(`${redact(text)}\n`);
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code !== "EAGAIN") return;
      Bun.sleepSync(BUSY_MILLISECONDS);
    }
  }
}

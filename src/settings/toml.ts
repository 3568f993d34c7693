import { parse, TomlError } from "smol-toml";

/** A TOML table; values are strings, numbers, booleans, dates, lists and tables. */
export type TomlTable = Readonly<Record<string, unknown>>;

/** A document, or its first syntax error; line and column are 1-based. */
export type ParsedToml =
  | { readonly ok: true; readonly document: TomlTable }
  | {
      readonly ok: false;
      readonly line: number;
      readonly column: number;
      readonly message: string;
    };

/** Reads TOML text (without a byte order mark). */
export function parseToml(text: string): ParsedToml {
  try {
    return { ok: true, document: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { ok: false, line: error.line, column: error.column, message: complaint(error) };
  }
}

/** The text that a quoted TOML string stands for. */
export function decodeString(quoted: string): string {
  return String(parse(`string = ${quoted}`)["string"]);
}

// smol-toml puts a code frame below its message; the frame would print the line's value, perhaps a secret.
function complaint(error: TomlError): string {
  const [first = ""] = error.message.split("\n", 1);
  const said = first.replace("Invalid TOML document: ", "");
  const hint = said === "invalid value" ? '; a string must stand in quotes, e.g. "shell"' : "";
  return `TOML syntax error: ${said}${hint}`;
}

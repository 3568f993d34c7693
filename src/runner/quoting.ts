import { atLeast } from "./version.ts";

/**
 * Which form the one long line of a generated script has.
 *
 * - `pipe-eval`: `: | eval …`, the default up to runner 19.0. A failing command ends the script
 *   with code 1; only an explicit `exit 42` keeps its code.
 * - `pipe-subshell`: `: | (eval …)`, up to 19.0 with `FF_USE_NEW_BASH_EVAL_STRATEGY`.
 * - `subshell`: `(eval …) < /dev/null`, the default since 19.1.
 */
export type ScriptFrame = "pipe-eval" | "pipe-subshell" | "subshell";

/** Shells for which scripts can be generated here. */
export type ScriptShell = "bash" | "sh";

const namedEscapes: ReadonlyMap<number, string> = new Map([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [0x27, "\\'"],
  [0x5c, "\\\\"],
]);

/**
 * Quotes a text for bash as `$'…'`. The result is one line of printable ASCII: every other byte
 * becomes an escape, so it survives any locale and being quoted again.
 *
 * @param text - A string, or bytes which need not be UTF-8.
 * @throws Error for a NUL byte, which no shell variable can hold.
 */
export function ansiQuote(text: string | Uint8Array): string {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  let quoted = "";
  for (const byte of bytes) {
    if (byte === 0) {
      throw new Error("a NUL byte cannot be quoted for a shell");
    }
    quoted += namedEscapes.get(byte) ?? plainOrHex(byte);
  }
  return `$'${quoted}'`;
}

/** Quotes a text only if a shell would read it differently without quotes. */
export function quote(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : ansiQuote(text);
}

/** How the whole script is framed. */
export interface FrameOptions {
  readonly frame: ScriptFrame;
  readonly shell: ScriptShell;
  /** Runner version: scripts set a TERM trap since 17.4. */
  readonly version: string;
  /** `CI_DEBUG_TRACE`. */
  readonly trace: boolean;
}

/**
 * The complete script around a body.
 *
 * The body always has an empty standard input, so the script itself may be fed through stdin.
 */
export function frameScript(body: string, options: FrameOptions): string {
  const hasTrap = atLeast(options.version, "17.4");
  const lines = [
    `#!/usr/bin/env ${options.shell}`,
    "",
    ...(hasTrap ? ["trap 'exit 1' TERM"] : []),
    ...(options.trace ? ["set -o xtrace"] : []),
    options.frame === "subshell"
      ? "if (set -o pipefail) 2> /dev/null; then set -o pipefail; fi; set -o errexit"
      : "if set -o | grep pipefail > /dev/null; then set -o pipefail; fi; set -o errexit",
    "set +o noclobber",
    evalLine(ansiQuote(body), options.frame, hasTrap),
    "exit 0",
    "",
  ];
  return lines.join("\n");
}

/** The frame a runner uses when nothing else is asked for. */
export function defaultFrame(
  version: string,
  flags: { readonly legacyEval: boolean; readonly newEval: boolean },
): ScriptFrame {
  if (atLeast(version, "19.1")) {
    return flags.legacyEval ? "pipe-eval" : "subshell";
  }
  return flags.newEval ? "pipe-subshell" : "pipe-eval";
}

function evalLine(quoted: string, frame: ScriptFrame, hasTrap: boolean): string {
  switch (frame) {
    case "pipe-eval":
      return `: | eval ${quoted}`;
    case "pipe-subshell":
      return `: | (eval ${quoted})`;
    case "subshell":
      return `(${hasTrap ? "trap 'exit 1' TERM; " : ""}eval ${quoted}) < /dev/null`;
  }
}

function plainOrHex(byte: number): string {
  return byte >= 0x20 && byte < 0x7f
    ? String.fromCharCode(byte)
    : `\\x${byte.toString(16).padStart(2, "0")}`;
}

import type { ArgsDef, CommandDef } from "citty";
import type { Environment } from "./hook.ts";

/** One use of a command, for its help and the man page. */
export interface Example {
  /** As typed in a shell, with `jacamar`. */
  readonly line: string;
  /** What it does, beginning with a small letter, without a full stop. */
  readonly what: string;
}

/** A command as citty knows it, with what help, man page and completion need besides. */
export type Command = CommandDef<ArgsDef> & {
  readonly examples?: readonly Example[];
  /** The words that a positional argument may be, by the argument's name, for completion. */
  readonly words?: Readonly<Record<string, readonly string[]>>;
};

export type Commands = Readonly<Record<string, Command>>;

/** What a command needs from the words before its own name, and what it leaves for the process to exit with. */
export interface CommandRun {
  readonly env: Environment;
  readonly noAuth: boolean;
  exit: number;
}

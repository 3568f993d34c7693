import type { ChRunHelp } from "../charliecloud/ch-run-help.ts";
import type { Path } from "../settings/key-path.ts";
import type { Settings } from "../settings/settings.ts";
import type { Tables } from "../settings/tidy.ts";

/** `error`: `config` refuses the file; `warning`: it would be regretted; `info`: worth knowing, and right as it is. */
export type Level = "error" | "warning" | "info";

/** One thing to say about a configuration file. */
export interface Finding {
  /** As it was named on the command line. */
  readonly file: string;
  /** 1-based; absent where the whole file is meant. */
  readonly line?: number;
  /** 1-based, in UTF-16 code units; present whenever `line` is. */
  readonly column?: number;
  readonly level: Level;
  /** Which rule found it; names are stable, see `RULES`. */
  readonly rule: string;
  /** Dotted path of the key, e.g. `general.charliecloud.image_allowlist[1]`. */
  readonly key?: string;
  /** One line: what was found, what is wanted. Without the key. */
  readonly message: string;
}

/** What a rule found, not yet located. */
export interface Regret {
  readonly path: Path;
  readonly message: string;
  /** @default "warning" */
  readonly level?: Level;
}

/** All that a rule may look at. Rules are pure: what they know of the host was asked before. */
export interface Evidence {
  /** As written, right or wrong: a rule must not trust the types. */
  readonly tables: Tables;
  /** Absent where `config` refuses the file. */
  readonly settings: Settings | undefined;
  /** `--no-auth` was given, as it is to the hooks. */
  readonly noAuth: boolean;
  readonly account: { readonly name: string; readonly home: string; readonly uid: number };
  readonly host: Host;
}

export interface Host {
  /** What lies at an absolute path of this host; `hidden`: this user may not look. */
  readonly kindOf: (path: string) => PathKind;
  readonly chRun: ChRunAnswer;
}

export type PathKind = "directory" | "program" | "file" | "missing" | "hidden";

/** The options of this host's ch-run, or why they are not known (one clause). */
export type ChRunAnswer =
  | {
      readonly known: true;
      readonly path: string;
      readonly version: string;
      readonly help: ChRunHelp;
    }
  | { readonly known: false; readonly because: string };

/** One way in which a file can be regretted. */
export interface Rule {
  /** Stable, in kebab case: part of reports. */
  readonly id: string;
  /** One sentence. */
  readonly meaning: string;
  readonly find: (evidence: Evidence) => readonly Regret[];
}

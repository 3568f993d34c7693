import { quoteCommand } from "../../bash/quote.ts";
import type { JobVariable } from "../../runner/job-spec.ts";

/** What the command line of `jacamar try` asks for. */
export interface TryRequest {
  /** A job of a file, else a command. */
  readonly source:
    | { readonly kind: "file"; readonly file: string | undefined; readonly job: string | undefined }
    | { readonly kind: "command"; readonly image: string | undefined; readonly script: string };
  readonly configuration: string | undefined;
  readonly variables: readonly JobVariable[];
  /** Whether the job gets the files of the current Git repository. */
  readonly git: boolean;
}

export interface TryWords {
  readonly flags: {
    readonly configuration?: string | undefined;
    readonly image?: string | undefined;
    readonly job?: string | undefined;
    readonly git?: boolean | undefined;
    readonly file?: string | undefined;
  };
  /** Each `--variable`. */
  readonly variables: readonly string[];
  /** The words after `--`; undefined without it. */
  readonly command: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Reading = { readonly ok: true; readonly request: TryRequest } | Mistake;
interface Mistake {
  readonly ok: false;
  readonly message: string;
}

/** Names of variables that a project would have as masked ones. */
const SECRET_NAME = /PASSW|TOKEN|SECRET|PRIVATE|CREDENTIAL|API_?KEY|ACCESS_?KEY/i;

/** Makes sense of the command line, or says what is wanted. */
export function readRequest(words: TryWords): Reading {
  const { flags, command } = words;
  const problem = contradiction(words);
  if (problem !== undefined) return { ok: false, message: `try: ${problem}` };
  const variables: JobVariable[] = [];
  for (const text of words.variables) {
    const variable = variableOf(text, words.env);
    if (typeof variable === "string") return { ok: false, message: `try: ${variable}` };
    variables.push(variable);
  }
  const { configuration, git = true, image, file, job } = flags;
  const source: TryRequest["source"] =
    command === undefined
      ? { kind: "file", file, job }
      : { kind: "command", image, script: scriptOf(command) };
  return { ok: true, request: { source, configuration, variables, git } };
}

function contradiction({ flags, command }: TryWords): string | undefined {
  if (command === undefined) {
    return flags.image === undefined
      ? undefined
      : `--image ${flags.image} without a command; wanted: --image REF -- COMMAND…`;
  }
  if (command.length === 0) return "no command after --; wanted: -- COMMAND…";
  if (flags.file !== undefined || flags.job !== undefined)
    return "both a job file and a command; wanted: one of FILE [--job NAME] and [--image REF] -- COMMAND…";
  return undefined;
}

/** One word is a line of shell, as in `script:`; several are a command and its arguments. */
function scriptOf(command: readonly string[]): string {
  const [only = "", ...more] = command;
  return more.length === 0 ? only : quoteCommand(command);
}

/** `NAME=VALUE`, or `NAME` alone for the value that it has in the environment, which no `ps` shows. */
function variableOf(text: string, env: TryWords["env"]): JobVariable | string {
  const at = text.indexOf("=");
  const key = at < 0 ? text : text.slice(0, at);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key))
    return `--variable ${JSON.stringify(key)}: wanted: NAME=VALUE, or NAME of an environment variable`;
  const value = at < 0 ? env[key] : text.slice(at + 1);
  if (value === undefined)
    return `--variable ${key}: it is not set in the environment; wanted: ${key}=VALUE or export ${key}`;
  return { key, value, masked: SECRET_NAME.test(key) };
}

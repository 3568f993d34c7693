import { type ArgsDef, parseArgs, runCommand } from "citty";
import { writeLine } from "../host/redact.ts";
import type { Command, CommandRun, Commands, Example } from "./definition.ts";
import { type Environment, exitProtocol } from "./hook.ts";
import { hookCommands } from "./hooks.ts";
import { misusedWord, suggestion } from "./options.ts";
import { TAKES_MORE, type ToolRun, toolCommands } from "./tools.ts";
import { versionText } from "./version.ts";

const globalArgs = {
  unobfuscated: {
    type: "boolean",
    alias: "u",
    description: "accepted for existing runner configurations: error texts are never obfuscated",
  },
  auth: {
    type: "boolean",
    default: true,
    description: "authorize users and change to them: not available yet",
    negativeDescription: "run every job as the user of gitlab-runner, whatever [auth] says",
  },
  version: { type: "boolean", description: "print version and build, and stop" },
  explain: {
    type: "boolean",
    description: "print the plan for a job; nothing is pulled, made or run",
  },
  configuration: {
    type: "string",
    valueHint: "FILE",
    description: "with --explain: the site's configuration (TOML)",
  },
  "job-response": {
    type: "string",
    valueHint: "FILE",
    description: "with --explain: a job as gitlab-runner writes it (JOB_RESPONSE_FILE)",
  },
  image: { type: "string", valueHint: "REF", description: "with --explain: the job's image" },
  variable: {
    type: "string",
    valueHint: "K=V",
    description: "with --explain: a variable of the job; may be given several times",
  },
  stage: { type: "string", valueHint: "NAME", description: "with --explain: this stage alone" },
  json: { type: "boolean", description: "with --explain: print JSON" },
} satisfies ArgsDef;

/** What the whole program is called, takes and can do: help, man page and completion are made from it. */
export interface Program extends Command {
  readonly args: ArgsDef;
  readonly subCommands: Commands;
  readonly examples: readonly Example[];
}

/** The program with all its commands; what they need and leave is in `run`. */
export function programFor(run: ToolRun): Program {
  const program: Program = {
    meta: { name: "jacamar", description: "GitLab CI custom executor for HPC, with Charliecloud" },
    args: globalArgs,
    subCommands: {
      ...hookCommands(run),
      ...toolCommands(run),
      help: helpCommand(run, () => program),
    },
    examples: [
      {
        line: "jacamar --no-auth --explain --configuration jacamar.toml --image debian:12",
        what: "print what would be done for a job with this image, and why",
      },
      { line: "jacamar help kill_timeout", what: "explain a key of the configuration" },
    ],
  };
  return program;
}

function helpCommand(run: CommandRun, program: () => Program): Command {
  return {
    meta: { name: "help", description: "explain a command, or a key of the configuration" },
    args: {
      topic: {
        type: "positional",
        required: false,
        description:
          "a command, a key such as kill_timeout, or a table such as general.charliecloud",
      },
    },
    examples: [
      { line: "jacamar help check", what: "the same as jacamar check --help" },
      { line: "jacamar help kill_timeout", what: "explain a key of the configuration" },
      { line: "jacamar help general.charliecloud", what: "list the keys of a table" },
    ],
    async run({ args }) {
      const { helpOn } = await import("./help.ts");
      const topic = args["topic"];
      const answer = await helpOn(topic === undefined ? undefined : String(topic), program());
      if (answer.found) writeLine(1, answer.text);
      else run.exit = usageError(answer.text, run.env);
    },
  };
}

/** Runs the driver with the words of its command line and gives the exit code of the process. */
export async function runCommandLine(words: readonly string[], env: Environment): Promise<number> {
  const at = commandIndex(words);
  const globals = at < 0 ? words : words.slice(0, at);
  const flags = parseArgs<typeof globalArgs>([...globals], globalArgs);
  const name = words[at] ?? "";
  const { rest, command: others } = cutAtDashes(name, at < 0 ? [] : words.slice(at + 1));
  const run: ToolRun = {
    env,
    noAuth: flags.auth === false,
    words: rest,
    command: others,
    exit: 0,
  };
  const program = programFor(run);
  const commands = program.subCommands;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const own = [...globals, ...rest];
  const misuse =
    misusedWord(globals, globalArgs) ??
    (command && misusedWord(rest, command.args as ArgsDef, TAKES_MORE.includes(name)));
  if (own.includes("--help") || own.includes("-h")) {
    const { commandHelp } = await import("./help.ts");
    writeLine(1, await commandHelp(command, program));
    return 0;
  }
  if (misuse !== undefined) return usageError(misuse, env);
  if (flags.version) {
    writeLine(1, versionText());
    return 0;
  }
  if (flags.explain) {
    if (at >= 0) return usageError(`unexpected word ${JSON.stringify(name)} beside --explain`, env);
    const { explain } = await import("./explain.ts");
    return await explain({ words, flags, noAuth: run.noAuth, env });
  }
  if (command === undefined) {
    const known = Object.keys(commands);
    return usageError(
      name === ""
        ? `no command given; wanted: one of ${known.join(", ")}`
        : await suggestion(name, known),
      env,
    );
  }
  try {
    await runCommand(command, { rawArgs: [...rest] });
  } catch (error) {
    // citty's own complaint about a missing argument; hooks report everything else themselves.
    if (!(error instanceof Error) || error.name !== "CLIError") throw error;
    return usageError(`${name}: ${Bun.stripANSI(error.message)}`, env);
  }
  return run.exit;
}

/** Only `try` takes the words of another command, after `--`: they are none of ours, not even a `--help`. */
function cutAtDashes(
  name: string,
  words: readonly string[],
): { readonly rest: readonly string[]; readonly command: readonly string[] | undefined } {
  const at = name === "try" ? words.indexOf("--") : -1;
  if (at < 0) return { rest: words, command: undefined };
  return { rest: words.slice(0, at), command: words.slice(at + 1) };
}

/** Position of the sub-command: the first word that is neither an option nor an option's value. */
function commandIndex(words: readonly string[]): number {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (!word.startsWith("-")) return i;
    const option = (globalArgs as ArgsDef)[word.replace(/^--/, "")];
    if (option?.type === "string") i++;
  }
  return -1;
}

function usageError(message: string, env: Environment): number {
  writeLine(2, `jacamar: error: ${message}; see jacamar --help`);
  return exitProtocol(env).systemFailure;
}

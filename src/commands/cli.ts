import { type ArgsDef, type CommandDef, parseArgs, renderUsage, runCommand } from "citty";
import { createLog } from "../host/log.ts";
import { writeLine } from "../host/redact.ts";
import { type Environment, exitProtocol, runHook } from "./hook.ts";
import { misusedWord, suggestion } from "./options.ts";
import { TAKES_MORE, toolCommands } from "./tools.ts";
import { driverVersion, versionText } from "./version.ts";

const configuration = {
  type: "string",
  valueHint: "FILE",
  description: "the site's configuration (TOML)",
} as const;

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
  configuration: { ...configuration, description: "with --explain: the site's configuration" },
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

/** What a sub-command leaves for the process to exit with. */
interface Run {
  readonly env: Environment;
  readonly noAuth: boolean;
  exit: number;
}

type Command = CommandDef<ArgsDef>;
type Commands = Readonly<Record<string, Command>>;

function commandsFor(run: Run): Commands {
  const { env } = run;
  const config: Command = {
    meta: {
      name: "config",
      description: "config_exec: check the configuration, claim directories",
    },
    args: { configuration: { ...configuration, required: true } },
    async run({ args }) {
      const { configure } = await import("./config.ts");
      const log = createLog({ info: 2 });
      const input = {
        configuration: String(args["configuration"]),
        noAuth: run.noAuth,
        version: driverVersion(),
      };
      let answer = "";
      run.exit = await runHook("config", env, log.error, () =>
        configure(input, env, log, (value) => {
          answer = JSON.stringify(value);
        }),
      );
      if (run.exit === 0) writeLine(1, answer);
    },
  };
  const prepare: Command = {
    meta: {
      name: "prepare",
      description: "prepare_exec: pull the job's image, get everything ready",
    },
    async run() {
      const { prepare: work } = await import("./prepare.ts");
      const { untilSignal } = await import("./signals.ts");
      const log = createLog({ info: 1 });
      run.exit = await runHook("prepare", env, log.error, () =>
        untilSignal((signal) => work(env, log, signal)),
      );
    },
  };
  const stage: Command = {
    meta: { name: "run", description: "run_exec: run one stage of the job" },
    args: {
      script: { type: "positional", description: "the script that gitlab-runner generated" },
      stage: { type: "positional", description: "the stage's name, e.g. build_script" },
    },
    async run({ args }) {
      const { runStageHook } = await import("./run.ts");
      run.exit = await runStageHook(String(args["script"]), String(args["stage"]), env);
    },
  };
  const cleanup: Command = {
    meta: {
      name: "cleanup",
      description: "cleanup_exec: end what still runs, give everything back",
    },
    args: { configuration },
    async run() {
      const { cleanUp } = await import("./cleanup.ts");
      const log = createLog({ info: 2 });
      run.exit = await runHook("cleanup", env, log.error, () => cleanUp(env, log));
    },
  };
  return { config, prepare, run: stage, cleanup } as Readonly<Record<string, CommandDef<ArgsDef>>>;
}

/** Runs the driver with the words of its command line and gives the exit code of the process. */
export async function runCommandLine(words: readonly string[], env: Environment): Promise<number> {
  const at = commandIndex(words);
  const globals = at < 0 ? words : words.slice(0, at);
  const flags = parseArgs<typeof globalArgs>([...globals], globalArgs);
  const name = words[at] ?? "";
  const { rest, command: others } = cutAtDashes(name, at < 0 ? [] : words.slice(at + 1));
  const run: Run = { env, noAuth: flags.auth === false, exit: 0 };
  const tools = toolCommands(Object.assign(run, { words: rest, command: others }));
  const commands = { ...commandsFor(run), ...tools };
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const own = [...globals, ...rest];
  const misuse =
    misusedWord(globals, globalArgs) ??
    (command && misusedWord(rest, command.args as ArgsDef, TAKES_MORE.includes(name)));
  if (own.includes("--help") || own.includes("-h")) return await help(command, commands);
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

async function help(command: Command | undefined, commands: Commands): Promise<number> {
  const main: Command = {
    meta: { name: "jacamar", description: "GitLab CI custom executor for HPC, with Charliecloud" },
    args: globalArgs,
    subCommands: commands,
  };
  const text = await renderUsage(command ?? main, command && main);
  writeLine(1, process.stdout.isTTY ? text : Bun.stripANSI(text));
  return 0;
}

function usageError(message: string, env: Environment): number {
  writeLine(2, `jacamar: error: ${message}; see jacamar --help`);
  return exitProtocol(env).systemFailure;
}

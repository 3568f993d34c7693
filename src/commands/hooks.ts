import { knownAttempt } from "../executors/attempt.ts";
import { createLog } from "../host/log.ts";
import { writeLine } from "../host/redact.ts";
import type { Command, CommandRun, Commands } from "./definition.ts";
import { runHook } from "./hook.ts";
import { driverVersion } from "./version.ts";

const TOML = "/etc/jacamar/jacamar.toml";

const configuration = {
  type: "string",
  valueHint: "FILE",
  description: "the site's configuration (TOML)",
} as const;

/** The four hooks that gitlab-runner calls; each loads what it needs when it runs. */
export function hookCommands(run: CommandRun): Commands {
  return {
    config: configCommand(run),
    prepare: prepareCommand(run),
    run: stageCommand(run),
    cleanup: cleanupCommand(run),
  };
}

export type PlainHook = "config" | "prepare" | "cleanup";

/** Runs a hook without citty, which takes longer to load than to read these words. */
export async function runPlainHook(
  name: PlainHook,
  configuration: string,
  run: CommandRun,
): Promise<number> {
  if (name === "config") await configHook(run, configuration);
  else if (name === "prepare") await prepareHook(run);
  else await cleanupHook(run);
  return run.exit;
}

async function configHook(run: CommandRun, configuration: string): Promise<void> {
  const { configure } = await import("./config.ts");
  const { reportHook } = await import("../executors/report.ts");
  const log = createLog({ info: 2 });
  const input = {
    configuration,
    noAuth: run.noAuth,
    version: driverVersion(),
  };
  let answer = "";
  const work = () =>
    configure(input, run.env, log, (value) => {
      answer = JSON.stringify(value);
    });
  run.exit = await runHook("config", run.env, log.error, work, (outcome) =>
    reportHook("config", outcome, knownAttempt({ TMPDIR: run.env["TMPDIR"] }), log),
  );
  if (run.exit === 0) writeLine(1, answer);
}

async function prepareHook(run: CommandRun): Promise<void> {
  const { prepare: work } = await import("./prepare.ts");
  const { reportHook } = await import("../executors/report.ts");
  const { untilSignal } = await import("./signals.ts");
  const log = createLog({ info: 1 });
  const untilDone = () => untilSignal((signal) => work(run.env, log, signal));
  run.exit = await runHook("prepare", run.env, log.error, untilDone, (outcome) =>
    reportHook("prepare", outcome, knownAttempt(run.env), log),
  );
}

async function cleanupHook(run: CommandRun): Promise<void> {
  const { cleanUp } = await import("./cleanup.ts");
  const log = createLog({ info: 2 });
  run.exit = await runHook("cleanup", run.env, log.error, () => cleanUp(run.env, log));
}

function configCommand(run: CommandRun): Command {
  return {
    meta: {
      name: "config",
      description: "config_exec: check the configuration, claim directories",
    },
    args: { configuration: { ...configuration, required: true } },
    examples: [
      {
        line: `config_args = ["--no-auth", "config", "--configuration", "${TOML}"]`,
        what: "in [runners.custom] of gitlab-runner's config.toml",
      },
    ],
    run: ({ args }) => configHook(run, String(args["configuration"])),
  };
}

function prepareCommand(run: CommandRun): Command {
  return {
    meta: {
      name: "prepare",
      description: "prepare_exec: pull the job's image, get everything ready",
    },
    examples: [
      {
        line: 'prepare_args = ["--no-auth", "prepare"]',
        what: "in [runners.custom] of gitlab-runner's config.toml",
      },
    ],
    run: () => prepareHook(run),
  };
}

function stageCommand(run: CommandRun): Command {
  return {
    meta: { name: "run", description: "run_exec: run one stage of the job" },
    args: {
      script: { type: "positional", description: "the script that gitlab-runner generated" },
      stage: { type: "positional", description: "the stage's name, e.g. build_script" },
    },
    examples: [
      {
        line: 'run_args = ["--no-auth", "run"]',
        what: "in [runners.custom] of gitlab-runner's config.toml, which adds SCRIPT and STAGE",
      },
    ],
    async run({ args }) {
      const { runStageHook } = await import("./run.ts");
      run.exit = await runStageHook(String(args["script"]), String(args["stage"]), run.env);
    },
  };
}

function cleanupCommand(run: CommandRun): Command {
  return {
    meta: {
      name: "cleanup",
      description: "cleanup_exec: end what still runs, give everything back",
    },
    args: { configuration },
    examples: [
      {
        line: `cleanup_args = ["--no-auth", "cleanup", "--configuration", "${TOML}"]`,
        what: "in [runners.custom] of gitlab-runner's config.toml",
      },
    ],
    run: () => cleanupHook(run),
  };
}

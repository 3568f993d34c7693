import { type Applications, findApplications } from "../charliecloud/applications.ts";
import { findPackingTools, type PackingTools } from "../charliecloud/packing.ts";
import { findProgram } from "../host/find-program.ts";
import { type LoginShell, logIn } from "../host/login-shell.ts";
import type { User } from "../host/user.ts";
import type { Decision } from "../plan/decision.ts";
import type { Settings } from "../settings/settings.ts";
import { findScheduler, type SchedulerFacts } from "./batch/scheduler-facts.ts";

/** What this host offers to a job; looked up once, in `prepare` and by `--explain`. */
export interface Facts {
  readonly shell: LoginShell;
  /** Exported variables of the user's login shell. May hold secrets: no part of a plan. */
  readonly login: Readonly<Record<string, string>>;
  /** When it was asked, in its time zone, e.g. `2026-11-25 04:15:41 CET`. */
  readonly time: string;
  readonly applications: Applications;
  readonly packing: PackingTools;
  /** Where helper stages find gitlab-runner; `choice` is its path, or empty when there is none. */
  readonly gitlabRunner: Decision<string>;
  /** Absent with `executor = "shell"`. */
  readonly scheduler?: SchedulerFacts;
}

export interface FactsInput {
  readonly settings: Settings;
  readonly user: User;
  readonly shell: LoginShell;
  /** Whether ch-image's version matters. */
  readonly asksChImage: boolean;
  /** Environment of the hook itself, which is gitlab-runner's. */
  readonly hook: Readonly<Record<string, string | undefined>>;
  /** Executable of the process that started the hook; absent when it cannot be known. */
  readonly parentProgram: string | undefined;
  readonly signal: AbortSignal;
}

export async function gatherFacts(input: FactsInput): Promise<Facts> {
  const { settings, shell, asksChImage, signal } = input;
  const { env: login, time } = await logIn(shell, signal);
  const scheduler = await findScheduler({ ...input, login });
  return {
    shell,
    login,
    time,
    applications: await findApplications(settings.charliecloud.application_path, login, {
      asksChImage,
    }),
    packing: findPackingTools(login["PATH"]),
    gitlabRunner: findGitlabRunner(login["PATH"], input),
    ...(scheduler && { scheduler }),
  };
}

/** Where helper stages find gitlab-runner; `choice` is empty when they do not. */
export function findGitlabRunner(
  loginPath: string | undefined,
  input: Pick<FactsInput, "hook" | "parentProgram">,
): Decision<string> {
  const inLogin = findProgram("gitlab-runner", loginPath);
  if (inLogin !== undefined) {
    return {
      choice: inLogin,
      because: "the login shell finds it",
      from: "PATH of the login shell",
    };
  }
  const inHook = findProgram("gitlab-runner", input.hook["PATH"]);
  if (inHook !== undefined) {
    return { choice: inHook, because: "gitlab-runner's own PATH has it", from: "PATH of the hook" };
  }
  const parent = input.parentProgram;
  if (parent?.slice(parent.lastIndexOf("/")).includes("gitlab-runner")) {
    return {
      choice: parent,
      because: "it is the program that started this hook",
      from: "parent process",
    };
  }
  return {
    choice: "",
    because: "neither the login shell's PATH nor the hook's has it",
    from: '[[runners]] environment = ["PATH=…"] in config.toml',
  };
}

import { errorMessage } from "../host/files.ts";
import type { User } from "../host/user.ts";
import type { Settings } from "../settings/settings.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import type { Context } from "./context.ts";
import { type Finding, fail } from "./finding.ts";
import { askLogin, type Login } from "./login.ts";
import { PROBES } from "./probes.ts";
import type { Report } from "./report.ts";
import { type SupportFile, supportFiles } from "./support.ts";

/**
 * What a process of its own is asked to do, as JSON on its stdin: a file system or a program that hangs can then hang
 * nothing else. Not in its arguments, because the login environment may hold secrets.
 */
export type Part =
  | {
      readonly part: "configuration";
      readonly named: string | undefined;
      readonly noAuth: boolean;
      readonly user: User;
      readonly path: string;
    }
  | {
      readonly part: "login";
      readonly settings: Settings;
      readonly user: User;
      readonly path: string;
    }
  | { readonly part: "probe"; readonly id: string; readonly context: Context }
  | { readonly part: "support"; readonly context: Context; readonly report: Report };

/** What each part answers with. */
export interface Answers {
  readonly configuration: Configuration;
  readonly login: Login;
  readonly probe: Finding;
  readonly support: readonly SupportFile[];
}

/** Does one part; a probe never throws. */
export async function doPart(part: Part): Promise<Answers[Part["part"]]> {
  switch (part.part) {
    case "configuration":
      return await readConfiguration(part);
    case "login":
      return await askLogin(part.settings, part.user, part.path);
    case "probe":
      return await runProbe(part.id, part.context);
    case "support":
      return await supportFiles(part.context, part.report);
  }
}

async function runProbe(id: string, context: Context): Promise<Finding> {
  const probe = PROBES.find((one) => one.id === id);
  try {
    if (probe === undefined) throw new Error("there is no such probe");
    return await probe.run(context);
  } catch (error) {
    return brokenProbe(`it could not be found out: ${errorMessage(error)}`);
  }
}

/** The finding of a probe that brought none. */
export function brokenProbe(why: string): Finding {
  return fail(
    why,
    "jobs are likely to meet the same",
    "look at the directory or program that it names",
  );
}

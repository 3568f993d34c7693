import { mkdirSync } from "node:fs";
import { canWriteFake, findApplications } from "../charliecloud/applications.ts";
import { findMksquashfs } from "../charliecloud/packing.ts";
import { squashImage } from "../charliecloud/squash.ts";
import { squashfsToolsOf } from "../charliecloud/squashfs-tools.ts";
import { findGitlabRunner } from "../executors/facts.ts";
import { usesChImage } from "../executors/image-source.ts";
import type { Context } from "./context.ts";
import { type Finding, fail, ok, type Probe, warn } from "./finding.ts";
import { ask, COMMAND_PATIENCE, findChRun, usesContainers, worked } from "./tools.ts";

const APPLICATION_PATH = "[general.charliecloud] application_path";
/** What the driver was tried with. */
const OLDEST_MINOR = 31;

export interface ProgramFacts {
  readonly name: string;
  /** Empty where it was not found. */
  readonly path: string;
  /** Empty where it did not answer. */
  readonly version: string;
  readonly searched: string;
  readonly needed: boolean;
}

/** For ch-run and ch-image. */
export function judgeProgram({ name, path, version, searched, needed }: ProgramFacts): Finding {
  if (!needed)
    return ok(path === "" ? "not found, and not needed" : `${version}, ${path}; not needed`);
  if (path === "")
    return fail(
      `not found in ${searched}`,
      "jobs with an image are refused",
      `install Charliecloud, or set ${APPLICATION_PATH}`,
    );
  if (version === "")
    return fail(
      `${path} does not tell its version`,
      "it may not be able to start at all on this host",
      `${path} --version as this user; ${APPLICATION_PATH} with another one`,
    );
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major === 0 && minor < OLDEST_MINOR)
    return warn(
      `${path} is ${version}`,
      `the driver was never tried with less than 0.${OLDEST_MINOR}`,
      "a newer Charliecloud",
    );
  const features =
    name === "ch-run" && !canWriteFake(version)
      ? " (without --write-fake, which 0.36 has: images are read-only)"
      : "";
  return ok(`${version}, ${path}${features}`);
}

export const chRunProbe: Probe = {
  id: "ch-run",
  title: "ch-run",
  run: async (context) => {
    const chRun = await findChRun(context);
    return judgeProgram({
      name: "ch-run",
      path: chRun?.path ?? "",
      version: chRun?.version ?? "",
      searched: searchedIn(context),
      needed: usesContainers(context),
    });
  },
};

export const chImageProbe: Probe = {
  id: "ch-image",
  title: "ch-image",
  run: async (context) => {
    const { settings, login, user } = context;
    const path = settings.charliecloud.application_path;
    const { chImage, searched } = await findApplications(path, { USER: user.name, ...login });
    return judgeProgram({
      name: "ch-image",
      path: chImage?.path ?? "",
      version: chImage?.version ?? "",
      searched,
      needed: usesContainers(context) && usesChImage(settings),
    });
  },
};

function searchedIn({ settings, login }: Context): string {
  const path = settings.charliecloud.application_path;
  return path === undefined ? `PATH of the login shell (${login["PATH"] ?? ""})` : path;
}

export const NO_MKSQUASHFS = { path: "", version: "", compressor: "", problem: "" };

export const mksquashfsProbe: Probe = {
  id: "mksquashfs",
  title: "mksquashfs",
  run: async (context) => {
    const path = findMksquashfs(context.login["PATH"]);
    if (path === undefined) return judgeMksquashfs(NO_MKSQUASHFS, context);
    const asked = await ask(context, [path, "-version"]);
    const version = /version (\S+)/.exec(asked.stdout)?.[1] ?? "";
    const image = `${context.scratch}/squash`;
    mkdirSync(image);
    const { compressor } = squashfsToolsOf(asked.stdout);
    const problem = await squashImage({
      image,
      file: `${image}.sqfs`,
      env: { PATH: context.login["PATH"] ?? "" },
      signal: AbortSignal.timeout(COMMAND_PATIENCE),
    });
    return judgeMksquashfs({ path, version, compressor, problem: problem ?? "" }, context);
  },
};

export function judgeMksquashfs(
  facts: typeof NO_MKSQUASHFS,
  context: Pick<Context, "settings">,
): Finding {
  const { path, version, compressor, problem } = facts;
  if (path !== "" && problem === "")
    return ok(`${version || "found"}, ${path}, packs with ${compressor}`);
  const seen = path === "" ? "not found" : `${path} ${version}: ${problem}`;
  if (!usesContainers(context)) return ok(`${seen}; not needed without containers`);
  const isBatch = context.settings.general.executor !== "shell";
  return isBatch
    ? fail(
        seen,
        "batch jobs with an image are refused: nodes get it as one SquashFS file",
        "the squashfs-tools package, 4.3 or later, with zstd where it is 4.4 or later",
      )
    : warn(
        seen,
        "images are kept as directories of many files, slow on network file systems",
        "the squashfs-tools package, 4.3 or later, with zstd where it is 4.4 or later",
      );
}

export const gitlabRunnerProbe: Probe = {
  id: "gitlab-runner",
  title: "gitlab-runner",
  run: async (context) => {
    const { login, hook, settings } = context;
    const found = findGitlabRunner(login["PATH"], { hook, parentProgram: undefined });
    const asked = found.choice === "" ? undefined : await ask(context, [found.choice, "--version"]);
    const version =
      asked && worked(asked) ? (/Version:\s+(\S+)/.exec(asked.stdout)?.[1] ?? "") : "";
    return judgeGitlabRunner(
      { path: found.choice, from: found.from, version },
      settings.charliecloud.runner_image,
    );
  },
};

export function judgeGitlabRunner(
  facts: { readonly path: string; readonly from: string; readonly version: string },
  runnerImage: string | undefined,
): Finding {
  const { path, from, version } = facts;
  if (path !== "") return ok(`${path}${version === "" ? "" : `, ${version}`} (${from})`);
  if (runnerImage !== undefined)
    return ok(`not on this host; artifacts and caches run in runner_image ${runnerImage}`);
  return warn(
    "neither the login shell's PATH nor this program's has it",
    "jobs with artifacts are refused and caches skipped, unless the runner that starts the hooks is called gitlab-runner",
    from,
  );
}

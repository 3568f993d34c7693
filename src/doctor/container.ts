import { canWriteFake } from "../charliecloud/applications.ts";
import { containerEnvironment } from "../charliecloud/ch-run.ts";
import { findPackingTools } from "../charliecloud/packing.ts";
import { squashImage } from "../charliecloud/squash.ts";
import type { Context } from "./context.ts";
import { type Finding, fail, ok, type Probe } from "./finding.ts";
import { makeTinyImage, type TinyImage } from "./tiny-image.ts";
import { ask, COMMAND_PATIENCE, findChRun, outcomeOf, usesContainers, worked } from "./tools.ts";

const NO_CH_RUN = "not tried: there is no ch-run that starts";

/** Starts a container; `undefined`: it printed what it was asked to, else what happened instead. */
async function start(
  context: Context,
  image: string,
  tiny: TinyImage,
  options: readonly string[],
  script: string,
): Promise<string | undefined> {
  const chRun = await findChRun(context);
  if (chRun === undefined || chRun.version === "") return NO_CH_RUN;
  const { binds } = tiny;
  const command = ["/bin/sh", "-c", `${script} && echo it works`];
  const run = await ask(
    context,
    [chRun.path, ...options, ...binds, image, "--", ...command],
    containerEnvironment(context.login, context.user),
  );
  return worked(run) && run.stdout.endsWith("it works\n") ? undefined : outcomeOf(run);
}

export const containerProbe: Probe = {
  id: "container",
  title: "container",
  run: async (context) => {
    if (!usesContainers(context)) return ok("not needed: [general] run_mechanism is not set");
    const tiny = makeTinyImage(`${context.scratch}/directory-image`);
    return judgeContainer(await start(context, tiny.path, tiny, [], "true"));
  },
};

export function judgeContainer(problem: string | undefined): Finding {
  if (problem === undefined)
    return ok("ch-run started a directory image made of this host's programs");
  return fail(
    problem,
    "no job runs in a container",
    problem === NO_CH_RUN ? "see ch-run above" : "see user namespaces above; ch-run -v tells more",
  );
}

export const squashfsProbe: Probe = {
  id: "squashfs",
  title: "SquashFS container",
  run: async (context) => {
    if (!usesContainers(context)) return ok("not needed: [general] run_mechanism is not set");
    const { mksquashfs, fuse } = findPackingTools(context.login["PATH"]);
    if (mksquashfs === undefined) return ok("not tried without mksquashfs, see above");
    if (!fuse) return ok("not tried without /dev/fuse, see above");
    const tiny = makeTinyImage(`${context.scratch}/packed-image`);
    const file = `${context.scratch}/packed-image.sqfs`;
    const unpacked = await squashImage({
      image: tiny.path,
      file,
      env: { PATH: context.login["PATH"] ?? "" },
      signal: AbortSignal.timeout(COMMAND_PATIENCE),
    });
    if (unpacked !== undefined) return ok(`not tried: ${unpacked}`);
    return judgeSquashfs(await start(context, file, tiny, [], "true"));
  },
};

export function judgeSquashfs(problem: string | undefined): Finding {
  if (problem === undefined) return ok("ch-run started an image that is one file, through FUSE");
  return fail(
    problem,
    "jobs with an image fail: on a host with /dev/fuse images are SquashFS files",
    problem === NO_CH_RUN
      ? "see ch-run above"
      : "a ch-run built with libsquashfuse (ch-run --feature=squash); [general.charliecloud] disable_convert = true does without",
  );
}

export const writeFakeProbe: Probe = {
  id: "write-fake",
  title: "ch-run --write-fake",
  run: async (context) => {
    if (!usesContainers(context)) return ok("not needed: [general] run_mechanism is not set");
    const chRun = await findChRun(context);
    if (chRun === undefined || !canWriteFake(chRun.version))
      return ok(`not tried: ch-run ${chRun?.version ?? "is missing and"} does not have it`);
    const tiny = makeTinyImage(`${context.scratch}/written-image`);
    const script = "echo text > /opt/new-file && test -s /opt/new-file";
    return judgeWriteFake(await start(context, tiny.path, tiny, ["--write-fake"], script));
  },
};

export function judgeWriteFake(problem: string | undefined): Finding {
  if (problem === undefined) return ok("files could be written over a read-only image");
  return fail(
    problem,
    "the driver uses it for every image with this ch-run, so jobs with an image fail",
    "a kernel of 5.11 or later that permits unprivileged overlay mounts, and a directory /srv; or a ch-run before 0.36 in [general.charliecloud] application_path",
  );
}

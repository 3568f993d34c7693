import { existsSync } from "node:fs";
import { quoteCommand } from "../bash/quote.ts";
import { chRunArgv } from "../charliecloud/ch-run.ts";
import { redact } from "../host/redact.ts";
import { accept, refuse, type Verdict } from "../plan/decision.ts";
import type { Recipe } from "./attempt.ts";
import { packedCommand } from "./batch/batch-command.ts";
import { cachedImage } from "./cached-image.ts";
import { type ContainerWork, chRunEnvironment, type ReadyImage } from "./container-work.ts";
import type { ImageFigures } from "./image-figures.ts";
import { leaseFile, packForBatch, storedImage } from "./stored-image.ts";
import { tryImage } from "./trial.ts";

/** How stages run in a container: on the runner's host, and in a batch job. */
export interface ContainerRecipes {
  readonly host: Recipe;
  readonly batch?: Recipe;
  readonly figures: ImageFigures;
}

/** Gets the image, starts it once to see that it works, and says how stages run in it. */
export async function prepareContainer(work: ContainerWork): Promise<Verdict<ContainerRecipes>> {
  const { container, log } = work;
  const early = new Set(container.trial.volumes.map(({ source }) => source));
  const missing = container.volumes.find(({ source }) => early.has(source) && !existsSync(source));
  if (missing !== undefined) {
    const { from, source } = missing;
    return refuse(
      "user",
      `${from}: ${source} does not exist on this host; wanted: SRC[:DST] with a file or directory as SRC`,
      from,
    );
  }
  for (const volume of container.volumes)
    log.log(`Mounting ${volume.source} at ${volume.target} (${volume.from})`);
  const { registry, choice, username, from } = container.credentials;
  const account = choice === "none" ? "none" : `${username} (${from})`;
  log.log(
    `Image ${container.reference.pull}: ${container.image.because}; account for ${registry}: ${account}`,
  );
  const image = await getImage(work);
  if (!image.ok) return image;
  const shell = await tryImage(work, image.value);
  if (!shell.ok) return shell;
  const { chRun, options } = container;
  const recipe = (argv: readonly string[]): Recipe => ({
    kind: "container",
    argv,
    env: chRunEnvironment(work),
    // Before quoting, which would make a secret with a quote in it unrecognisable.
    shown: quoteCommand(argv.map(redact)),
    interpreter: shell.value.interpreter,
    shell: shell.value.shell,
  });
  const host = recipe(chRunArgv(chRun, options, image.value.image, []));
  const { batchImage, figures } = image.value;
  if (!work.forBatch || container.role !== "step") return accept({ host, figures });
  const packed =
    batchImage === undefined ? await packForBatch(work, image.value) : accept(batchImage);
  if (!packed.ok) return packed;
  if (packed.value === undefined) return accept({ host, batch: host, figures });
  return accept({ host, batch: recipe(packedCommand(container, packed.value)), figures });
}

async function getImage(work: ContainerWork): Promise<Verdict<ReadyImage>> {
  const { source } = work.container;
  if (source.choice === "storage") return await storedImage(work);
  return await cachedImage(work, source, leaseFile(work.directory, work.container.role));
}

import { hostname } from "node:os";
import { PUBLIC } from "../cache/refs.ts";
import { imageTools, openJobCache, orderOf } from "../executors/cached-image.ts";
import type { ContainerWork } from "../executors/container-work.ts";
import { type Facts, gatherFacts } from "../executors/facts.ts";
import { type CacheSource, usesChImage } from "../executors/image-source.ts";
import { planJob } from "../executors/job-plan.ts";
import { loginShell } from "../executors/site.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorMessage } from "../host/files.ts";
import { createLog, type Log } from "../host/log.ts";
import { identify } from "../host/proc.ts";
import { registerSecrets } from "../host/redact.ts";
import { currentUser, type User } from "../host/user.ts";
import { getImage } from "../images/get-image.ts";
import { readJob } from "../job/read-job.ts";
import type { Settings } from "../settings/settings.ts";
import { compilerFor } from "./compiler.ts";
import type { Environment } from "./hook.ts";

const DAY_MILLISECONDS = 24 * 3_600_000;
const ACCOUNT = ["CH_IMAGE_USERNAME", "CH_IMAGE_PASSWORD"] as const;

export interface PullInput {
  readonly images: readonly string[];
  readonly settings: Settings;
  /** Jobs of every project may use the images without asking the registry. */
  readonly forEveryone: boolean;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/**
 * `jacamar cache pull REF…`: puts images into the cache before a job wants them, made as jobs on this host would make them,
 * with the account in CH_IMAGE_USERNAME and CH_IMAGE_PASSWORD if they are set. True when all of them are there.
 */
export async function pullImages(input: PullInput): Promise<boolean> {
  const { settings, env, signal, images } = input;
  const log = createLog({ info: 1 });
  const user = currentUser(env);
  const facts = await gatherFacts({
    settings,
    user,
    shell: loginShell(settings, user, env["PATH"]),
    asksChImage: usesChImage(settings),
    hook: env,
    parentProgram: undefined,
    signal,
  });
  let allThere = true;
  for (const image of images) {
    try {
      await pullOne(image, { ...input, facts, user, log });
    } catch (error) {
      if (!(error instanceof SystemFailure)) throw error;
      log.error(errorMessage(error));
      allThere = false;
    }
  }
  return allThere;
}

interface Pull extends PullInput {
  readonly facts: Facts;
  readonly user: User;
  readonly log: Log;
}

async function pullOne(image: string, pull: Pull): Promise<void> {
  const { work, source } = await workFor(image, pull);
  const cache = openJobCache(work, source);
  const tools = imageTools(work);
  const kinds = [source.entry, source.batchEntry].flatMap((entry) => entry ?? []);
  for (const { choice: kind } of kinds) {
    const because = "the command line asks for it";
    const policies = [{ choice: "always", because, from: "cache pull" }] as const;
    const own = orderOf(work, source, kind);
    const order = { ...own, policies, ...(pull.forEveryone && { grant: PUBLIC }) };
    const got = await getImage(order, cache, tools);
    if (!got.ok) throw new SystemFailure(got.refusal.message);
    cache.release(got.value.lease, work.state.token);
  }
}

/** The plan of a job with this image: so that the entry is the very one that jobs will look for. */
async function workFor(
  image: string,
  { settings, env, facts, user, log, signal }: Pull,
): Promise<{ readonly work: ContainerWork; readonly source: CacheSource }> {
  const account = ACCOUNT.map((name) => [`CUSTOM_ENV_${name}`, env[name]] as const);
  const reading = readJob(
    { CUSTOM_ENV_CI_JOB_IMAGE: image, ...Object.fromEntries(account) },
    undefined,
  );
  if (!reading.ok) throw new SystemFailure(reading.message);
  const { job, secrets } = reading;
  registerSecrets([...secrets.redact, env["CH_IMAGE_PASSWORD"] ?? ""]);
  const compile = await compilerFor(settings);
  const plan = planJob({ settings, job, user, slot: 0, facts, noAuth: true, compile });
  const container = plan.step;
  if (container === undefined) {
    const why = plan.refusals[0]?.message ?? "[general] run_mechanism is not set";
    throw new SystemFailure(`cannot pull ${image} for jobs: ${why}`);
  }
  if (container.source.choice !== "cache") {
    const { because, from } = container.source;
    throw new SystemFailure(`cannot pull ${image} into the image cache: ${because} (${from})`);
  }
  const state = {
    version: 1,
    settings,
    user,
    job: { id: "cache-pull", name: `jacamar cache pull on ${hostname()}` },
    token: crypto.randomUUID(),
    holder: identify(process.pid),
    expires: Date.now() + DAY_MILLISECONDS,
    noAuth: true,
    claimDirectories: [],
    ...(plan.directories && { directories: plan.directories }),
  } as const;
  const forBatch = settings.general.executor !== "shell";
  const work = { container, state, facts, job, secrets, directory: "", forBatch, log, signal };
  return { work, source: container.source };
}

import { chooseStorage } from "../executors/image-source.ts";
import { findProgram } from "../host/find-program.ts";
import { planCacheDirectory } from "../plan/cache-directory.ts";
import { cacheLimits } from "../plan/cache-limits.ts";
import type { Decision, Verdict } from "../plan/decision.ts";
import { planDirectories } from "../plan/directories.ts";
import type { Context } from "./context.ts";
import { type Finding, fail, merged, ok, type Probe, warn } from "./finding.ts";
import { placeFacts } from "./place-facts.ts";
import { judgePlace, type Purpose } from "./place-judge.ts";
import { ask, usesContainers } from "./tools.ts";

type PlaceContext = Pick<Context, "settings" | "user" | "login">;

export function dataDirectory({ settings, user }: PlaceContext): Verdict<Decision<string>> {
  const job = { project: { name: "doctor", id: "0" }, variables: {} };
  const plan = planDirectories({ settings, user, job, slot: 0 });
  if (!plan.ok) return plan;
  const { dataDir } = plan.value;
  return { ok: true, value: { choice: dataDir, because: "", from: "[general] data_dir" } };
}

export function cacheDirectory(context: PlaceContext): Verdict<Decision<string>> {
  const [data, storage] = [dataDirectory(context), chooseStorage(context)];
  if (!data.ok) return data;
  if (!storage.ok) return storage;
  const { settings, user } = context;
  const dataDir = data.value.choice;
  return planCacheDirectory({ settings, user, storage: storage.value.choice, dataDir });
}

/** Whether jobs of the site keep images in the driver's own cache. */
export function usesCache(context: Pick<Context, "settings">): boolean {
  const { cache, disable_convert } = context.settings.charliecloud;
  return usesContainers(context) && cache.enabled && !disable_convert;
}

async function look(
  place: Verdict<Decision<string>>,
  purpose: (key: string, capacity: number) => Purpose,
): Promise<Finding> {
  if (!place.ok) return fail(place.refusal.message, "jobs are refused", place.refusal.from);
  const { choice, from } = place.value;
  const facts = await placeFacts(choice);
  return judgePlace(facts, purpose(from, facts.capacity));
}

const isBatch = ({ settings }: PlaceContext) => settings.general.executor !== "shell";

export const dataDirectoryProbe: Probe = {
  id: "data-dir",
  title: "data_dir",
  run: async (context) =>
    merged([
      await look(dataDirectory(context), (key) => ({
        holds: "builds, caches and scripts of jobs",
        key,
        uid: context.user.uid,
        shared: false,
        starts: true,
        minFree: undefined,
        locks: false,
        links: false,
        forNodes: isBatch(context),
      })),
      await quota(context),
    ]),
};

/** What `quota` says of all file systems of this user: it ends with a status other than 0 where one is used up. */
async function quota(context: Context): Promise<Finding> {
  const program = findProgram("quota", "/usr/bin:/bin:/usr/sbin:/sbin");
  if (program === undefined) return ok("");
  const run = await ask(context, [program, "-w"]);
  if (run.outcome !== "exited" || run.status === 0 || !/\d\*/.test(run.stdout)) return ok("");
  return warn(
    "quota says that a limit is reached",
    "jobs may fail with a full disk",
    "quota -w tells which one",
  );
}

export const imageCacheProbe: Probe = {
  id: "image-cache",
  title: "image cache",
  run: async (context) => {
    if (!usesCache(context)) return ok("not used");
    const { cache } = context.settings.charliecloud;
    return await look(cacheDirectory(context), (key, capacity) => ({
      holds: "images",
      key,
      uid: context.user.uid,
      shared: cache.shared,
      starts: true,
      minFree: cacheLimits(cache, capacity).minFree,
      locks: false,
      links: true,
      forNodes: isBatch(context),
    }));
  },
};

export const imageStorageProbe: Probe = {
  id: "image-storage",
  title: "image storage",
  run: async (context) => {
    if (!usesContainers(context) || usesCache(context))
      return ok("not used: images are in the cache");
    return await look(chooseStorage(context), (key) => ({
      holds: "images",
      key,
      uid: context.user.uid,
      shared: false,
      starts: true,
      minFree: undefined,
      locks: true,
      links: false,
      forNodes: isBatch(context),
    }));
  },
};

import { statSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { type Maintenance, openCache } from "../cache/cache.ts";
import { layoutOf } from "../cache/layout.ts";
import { capacityOf } from "../cache/space.ts";
import type { Limits } from "../cache/store.ts";
import { chooseStorage } from "../executors/image-source.ts";
import { newClaim } from "../host/claim.ts";
import { SystemFailure } from "../host/failure.ts";
import { errorMessage, exists } from "../host/files.ts";
import { createLog } from "../host/log.ts";
import { identify } from "../host/proc.ts";
import { writeLine } from "../host/redact.ts";
import { currentUser } from "../host/user.ts";
import { planCacheDirectory } from "../plan/cache-directory.ts";
import { cacheLimits } from "../plan/cache-limits.ts";
import type { Verdict } from "../plan/decision.ts";
import { expandAccount } from "../plan/expand.ts";
import type { Settings } from "../settings/settings.ts";
import { entriesText, goneText, removedText, usageText, verifiedText } from "./cache-text.ts";
import type { Environment } from "./hook.ts";
import { readOrReport } from "./read-or-report.ts";
import { untilSignal } from "./signals.ts";

const BAD_INPUT = 2;
const DAY_MILLISECONDS = 24 * 3_600_000;
const OTHERS = 0o077;

export const CACHE_ACTIONS = ["ls", "du", "gc", "verify", "rm", "export", "pull"] as const;

export interface CacheInput {
  readonly action: string;
  /** For `rm` and `export`. */
  readonly image: string | undefined;
  /** For `export`. */
  readonly file: string | undefined;
  /** All images, for `pull`. */
  readonly images: readonly string[];
  /** For `pull`; see `PullInput`. */
  readonly forEveryone: boolean;
  readonly configuration: string | undefined;
  readonly dir: string | undefined;
  readonly json: boolean;
  readonly env: Environment;
}

/** Where a cache is, and what is to be kept to. */
interface Place {
  readonly dir: string;
  readonly shared: boolean;
  readonly limits: Limits;
  readonly key: string;
}

/** What an action prints, as data and for people, and whether all was well. */
interface Answer {
  readonly value: unknown;
  readonly text: string;
  readonly good: boolean;
}

/**
 * `jacamar cache …`: shows and tidies a cache of images. Exit status 0; 1 when something is damaged, in use or not
 * there; 2 when the cache cannot be used.
 */
export async function manageCache(input: CacheInput): Promise<number> {
  try {
    const problem = misuse(input);
    if (problem !== undefined) throw new SystemFailure(`cache: ${problem}`);
    if (input.action === "pull") return await pull(input);
    const place =
      input.dir === undefined ? await configuredPlace(input) : namedPlace(resolve(input.dir));
    if (!exists(layoutOf(place.dir).root))
      throw new SystemFailure(`there is no image cache in ${place.dir} (${place.key})`);
    const { value, text, good } = await act(input, open(place));
    writeLine(1, input.json ? JSON.stringify(value, undefined, 2) : text);
    return good ? 0 : 1;
  } catch (error) {
    const known = error instanceof SystemFailure || (error instanceof Error && "syscall" in error);
    if (!known) throw error;
    writeLine(2, `jacamar: error: ${errorMessage(error)}`);
    return BAD_INPUT;
  }
}

function misuse(input: CacheInput): string | undefined {
  const { action, image, file, configuration, dir } = input;
  if (!CACHE_ACTIONS.some((known) => known === action))
    return `unknown action "${action}"; wanted: one of ${CACHE_ACTIONS.join(", ")}`;
  if (action === "pull") return pullMisuse(input);
  const wanted = action === "export" ? 2 : action === "rm" ? 1 : 0;
  if ([image, file].filter((word) => word !== undefined).length !== wanted)
    return `${action} takes ${["no image", "an image", "an image and a file"][wanted]}`;
  if ((configuration === undefined) === (dir === undefined))
    return "wanted: either --configuration FILE or --dir DIR";
  return undefined;
}

function pullMisuse({ images, configuration, dir, json }: CacheInput): string | undefined {
  if (images.length === 0) return "pull takes one image or more";
  if (dir !== undefined || json) return "pull takes neither --dir nor --json";
  return configuration === undefined ? "pull needs --configuration FILE" : undefined;
}

async function pull({ configuration = "", images, forEveryone, env }: CacheInput): Promise<number> {
  const { pullImages } = await import("./cache-pull.ts");
  const settings = await loadSettings(configuration);
  let good = false;
  const outcome = await untilSignal(async (signal) => {
    good = await pullImages({ images, settings, forEveryone, env, signal });
    return { kind: "exited", status: 0 };
  });
  if (outcome.kind === "cancelled") throw new SystemFailure(`cache pull: ${outcome.message}`);
  return good ? 0 : 1;
}

async function act({ action, image = "", file = "" }: CacheInput, cache: Maintenance) {
  const actions: Record<string, () => Promise<Answer>> = {
    ls: async () => {
      const value = cache.ls();
      return { value, text: entriesText(value, Date.now()), good: true };
    },
    du: async () => {
      const value = cache.du();
      return { value, text: usageText(value), good: true };
    },
    gc: async () => {
      const value = await cache.gc();
      return { value, text: removedText(value), good: true };
    },
    verify: async () => {
      const value = await cache.verify();
      const good = value.every(({ problem }) => problem === undefined);
      return { value, text: verifiedText(value), good };
    },
    rm: async () => {
      const value = await cache.rm(image);
      const good = value.length > 0 && value.every(({ jobs }) => jobs.length === 0);
      return { value, text: goneText(value, image), good };
    },
    export: async () => {
      const bytes = await cache.export(image, resolve(file));
      return { value: { file: resolve(file), bytes }, text: `wrote ${resolve(file)}`, good: true };
    },
  };
  const run = actions[action];
  if (run === undefined) throw new Error(`no such action: ${action}`);
  return await run();
}

/** A directory named on the command line: whose it is, and who may read it, tells what sort of cache it is. */
function namedPlace(dir: string): Place {
  const { uid, mode } = statSync(dir);
  const shared = uid !== process.getuid?.() || (mode & OTHERS) !== 0;
  return { dir, shared, limits: {}, key: "--dir" };
}

async function configuredPlace({ configuration = "", env }: CacheInput): Promise<Place> {
  const settings = await loadSettings(configuration);
  const user = currentUser(env);
  const login = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const storage = must(chooseStorage({ settings, user, login })).choice;
  const dataDir = expandAccount(settings.general.data_dir, user, { tilde: true });
  const { choice: dir, from: key } = must(planCacheDirectory({ settings, user, storage, dataDir }));
  const { shared } = settings.charliecloud.cache;
  return { dir, shared, key, limits: cacheLimits(settings.charliecloud.cache, capacityOf(dir)) };
}

async function loadSettings(configuration: string): Promise<Settings> {
  const settings = await readOrReport(configuration);
  if (settings === undefined)
    throw new SystemFailure(`the configuration ${configuration} cannot be used`);
  return settings;
}

function must<T>(verdict: Verdict<T>): T {
  if (!verdict.ok) throw new SystemFailure(verdict.refusal.message);
  return verdict.value;
}

function open({ dir, shared, limits, key }: Place): Maintenance {
  becomeOwner(dir);
  const claim = newClaim({
    job: "cache",
    holder: identify(process.pid),
    expires: Date.now() + DAY_MILLISECONDS,
    notes: {},
  });
  return openCache({
    dir,
    shared,
    limits,
    key,
    claim,
    uid: process.getuid?.() ?? 0,
    holder: `jacamar cache on ${hostname()}`,
    log: createLog({ info: 2 }),
    signal: new AbortController().signal,
    now: Date.now,
  }).maintenance;
}

/** What root makes in another user's cache, that user could not remove: root works there as its owner. */
function becomeOwner(dir: string): void {
  const { uid, gid } = statSync(dir);
  if (process.getuid?.() !== 0 || uid === 0) return;
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

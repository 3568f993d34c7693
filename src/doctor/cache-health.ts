import { statSync } from "node:fs";
import { hostname } from "node:os";
import { openStore } from "../cache/cache.ts";
import { findEntry } from "../cache/entry.ts";
import { layoutOf } from "../cache/layout.ts";
import { du, type Usage } from "../cache/maintain.ts";
import { listEntries } from "../cache/scan.ts";
import { capacityOf, sizeText } from "../cache/space.ts";
import { newClaim } from "../host/claim.ts";
import { createLog } from "../host/log.ts";
import { identify } from "../host/proc.ts";
import { cacheLimits } from "../plan/cache-limits.ts";
import type { Context } from "./context.ts";
import { type Finding, merged, ok, type Probe, warn } from "./finding.ts";
import { cacheDirectory, usesCache } from "./places.ts";

export interface CacheFacts {
  readonly usage: Usage;
  /** The first of the damaged entries; empty for none. */
  readonly torn: readonly string[];
  readonly fix: string;
}

export const cacheHealthProbe: Probe = {
  id: "cache-health",
  title: "cache health",
  run: async (context) => {
    if (!usesCache(context)) return ok("not used");
    const place = cacheDirectory(context);
    if (!place.ok) return ok("not known, see image cache");
    const { choice: dir, from: key } = place.value;
    if (!statSync(layoutOf(dir).root, { throwIfNoEntry: false })) return ok("no image yet");
    return judgeCache(await cacheFacts(context, dir, key));
  },
};

async function cacheFacts(context: Context, dir: string, key: string): Promise<CacheFacts> {
  const { cache } = context.settings.charliecloud;
  const expires = Date.now() + 60_000;
  const claim = newClaim({ job: "doctor", holder: identify(process.pid), expires, notes: {} });
  const store = openStore({
    dir,
    uid: context.user.uid,
    shared: cache.shared,
    limits: cacheLimits(cache, capacityOf(dir)),
    claim,
    holder: `jacamar doctor on ${hostname()}`,
    key,
    log: createLog({ info: 2 }),
    signal: new AbortController().signal,
    now: Date.now,
  });
  const torn: string[] = [];
  for (const { name, key: entry } of listEntries(store)) {
    const found = await findEntry(store, entry);
    if (found.state === "torn") torn.push(`${name}: ${found.why}`);
  }
  const { file } = context.configuration;
  const where = file === undefined ? `--dir ${dir}` : `--configuration ${file}`;
  return { usage: du(store), torn, fix: `jacamar cache gc ${where}` };
}

export function judgeCache({ usage, torn, fix }: CacheFacts): Finding {
  const { entries, layers, unfinished, trash, limits } = usage;
  const bytes = entries.bytes + layers.bytes;
  const left = unfinished.count + trash.count;
  const [first] = torn;
  return merged([
    ok(`${entries.count} image${entries.count === 1 ? "" : "s"}, ${sizeText(bytes)}`),
    first === undefined
      ? ok("")
      : warn(
          `${torn.length} damaged, first ${first}`,
          "the next job that wants it pulls it again",
          fix,
        ),
    left === 0
      ? ok("")
      : warn(
          `${left} unfinished or thrown away, ${sizeText(unfinished.bytes + trash.bytes)}`,
          "they take space until a later job sweeps; those of jobs that pull right now are well",
          fix,
        ),
    limits.maxSize === undefined || bytes <= limits.maxSize
      ? ok("")
      : warn(
          `more than max_size, ${sizeText(limits.maxSize)}`,
          "the next pull pushes images out; images in use stay",
          `${fix}; a larger [general.charliecloud.cache] max_size`,
        ),
  ]);
}

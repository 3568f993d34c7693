import { stepsOf } from "../settings/key-path.ts";
import { findTable } from "../settings/option-lookup.ts";
import type { Tables } from "../settings/tidy.ts";
import type { Evidence, Regret } from "./finding.ts";
import { changedKeys, textAt, valueAt } from "./written.ts";

const GENERAL = "general";
const CHARLIECLOUD = "general.charliecloud";
const CACHE = "general.charliecloud.cache";
const MIRROR = "general.charliecloud.mirror";
const BATCH = "batch";

/** A group of keys that do nothing unless another key has a certain value. */
export interface EffectRow {
  readonly table: string;
  /** Absent: every key of the table. */
  readonly keys?: readonly string[];
  /** Keys that the row is not about. */
  readonly except?: readonly string[];
  /** One clause behind "has no effect: ". */
  readonly because: string;
  /** Whether the keys do nothing in this file. */
  readonly isIdle: (tables: Tables) => boolean;
}

const hasNoContainers = (tables: Tables) => {
  const mechanism = textAt(tables, GENERAL, "run_mechanism");
  return mechanism === undefined || mechanism === "podman";
};
const NO_CONTAINERS = {
  because: 'jobs run in containers only with run_mechanism = "charliecloud" in [general]',
  isIdle: hasNoContainers,
};

/** Of the rows that fit a key, the first counts. */
export const EFFECTS: readonly EffectRow[] = [
  { table: CHARLIECLOUD, ...NO_CONTAINERS },
  { table: CACHE, ...NO_CONTAINERS },
  { table: MIRROR, ...NO_CONTAINERS },
  {
    table: GENERAL,
    keys: ["force_mechanism"],
    because: "no run_mechanism is set that could be forced",
    isIdle: (tables) => valueAt(tables, GENERAL, "run_mechanism") === undefined,
  },
  {
    table: CHARLIECLOUD,
    keys: ["default_image"],
    because:
      "a job without an image runs on the host; wanted force_mechanism = true in [general] as well",
    isIdle: (tables) => valueAt(tables, GENERAL, "force_mechanism") !== true,
  },
  {
    table: CHARLIECLOUD,
    keys: ["runner_options", "runner_pull_policy"],
    because: "it is about the runner_image, which is not set",
    isIdle: (tables) => textAt(tables, CHARLIECLOUD, "runner_image") === undefined,
  },
  {
    table: CACHE,
    except: ["enabled"],
    because: "the cache is switched off (enabled = false)",
    isIdle: (tables) => valueAt(tables, CACHE, "enabled") === false,
  },
  {
    table: CACHE,
    except: ["enabled"],
    because: "with disable_convert images run from Charliecloud's storage and not from the cache",
    isIdle: (tables) => valueAt(tables, CHARLIECLOUD, "disable_convert") === true,
  },
  {
    table: BATCH,
    because: 'with executor = "shell" nothing is submitted',
    isIdle: (tables) => valueAt(tables, GENERAL, "executor") === "shell",
  },
];

/** The keys that change nothing because of what another key says, or does not say. */
export function findIdleKeys({ tables }: Pick<Evidence, "tables">): readonly Regret[] {
  return [...tables.keys()].flatMap((path) => {
    const table = findTable(path)?.path;
    const rows = EFFECTS.filter((row) => row.table === table);
    return changedKeys(tables, path).flatMap((key) => {
      const row = rows.find((candidate) => isAbout(candidate, key) && candidate.isIdle(tables));
      if (row === undefined) return [];
      return [{ path: [...stepsOf(path), key], message: `has no effect: ${row.because}` }];
    });
  });
}

function isAbout({ keys, except }: EffectRow, key: string): boolean {
  return (keys?.includes(key) ?? true) && !except?.includes(key);
}

/** `offline` needs mirrors to be of use. */
export function findOfflineWithoutMirror({ tables }: Pick<Evidence, "tables">): readonly Regret[] {
  if (valueAt(tables, CHARLIECLOUD, "offline") !== true) return [];
  if ([...tables.keys()].some((path) => findTable(path)?.path === MIRROR)) return [];
  const message = `no image can be fetched: no registry but the mirrors is asked, and there is none; wanted a [[${MIRROR}]]`;
  return [{ path: [...stepsOf(CHARLIECLOUD), "offline"], message }];
}

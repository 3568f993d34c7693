import { findTable } from "./option-lookup.ts";
import type { OptionEntries, OptionEntry, ValuesOf } from "./option-types.ts";
import { AUTH, BATCH, EXECUTOR_ALIASES, GENERAL, LOG, METRICS } from "./options-active.ts";
import { CACHE, CHARLIECLOUD, MIRROR } from "./options-images.ts";
import type { ExecutorName, Settings } from "./settings.ts";
import { findTextType } from "./text-types.ts";
import type { Tables } from "./tidy.ts";

/**
 * Makes settings from tables that `checkShape` accepted: defaults filled in, aliases resolved, empty strings gone
 * from lists, keys without effect left out.
 */
export function assembleSettings(
  tables: Tables,
  origin: Pick<Settings, "file" | "inactive"> & { readonly hasAuth: boolean },
): Settings {
  const general = valuesOf(tables, "general", GENERAL);
  return {
    general: { ...general, executor: canonicalExecutor(general.executor) },
    charliecloud: {
      ...valuesOf(tables, "general.charliecloud", CHARLIECLOUD),
      cache: valuesOf(tables, "general.charliecloud.cache", CACHE),
      mirrors: [...tables.keys()]
        .filter((path) => findTable(path)?.path === "general.charliecloud.mirror")
        .map((path) => valuesOf(tables, path, MIRROR)),
    },
    metrics: valuesOf(tables, "general.metrics", METRICS),
    log: valuesOf(tables, "general.log", LOG),
    batch: valuesOf(tables, "batch", BATCH),
    auth: { present: origin.hasAuth, ...valuesOf(tables, "auth", AUTH) },
    inactive: origin.inactive,
    file: origin.file,
  };
}

function canonicalExecutor(name: ValuesOf<typeof GENERAL>["executor"]): ExecutorName {
  return name === "sbatch" || name === "bsub" || name === "qsub" ? EXECUTOR_ALIASES[name] : name;
}

// The one place where values become typed: checkShape has compared them with these same entries.
function valuesOf<Entries extends OptionEntries>(
  tables: Tables,
  path: string,
  entries: Entries,
): ValuesOf<Entries> {
  const table = tables.get(path) ?? {};
  const values: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(entries)) {
    const value = withoutEmpty(table[key]) ?? defaultOf(entry);
    if (value !== undefined) values[key] = value;
  }
  return values as ValuesOf<Entries>;
}

/** A list without its empty strings; undefined, as if it were not set, where nothing is left. */
function withoutEmpty(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const kept = value.filter((element) => element !== "");
  return kept.length > 0 ? kept : undefined;
}

function defaultOf(entry: OptionEntry): unknown {
  const { type, default: held } = entry;
  const textType = findTextType(type);
  return textType !== undefined && typeof held === "string" ? textType.parse(held) : held;
}

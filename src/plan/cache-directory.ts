import type { CharliecloudSettings, GeneralSettings } from "../settings/settings.ts";
import { accept, type Decision, refuse, type Verdict } from "./decision.ts";
import { directoryProblem } from "./directories.ts";
import { type Account, expandAccount } from "./expand.ts";
import { normalisePath } from "./paths.ts";
import { quoted } from "./quoted.ts";

const CACHE_DIR = "[general.charliecloud.cache] dir";
const STORAGE_DIR = "[general.charliecloud] image_storage_dir";

export interface CacheDirectoryInput {
  readonly settings: {
    readonly general: Pick<GeneralSettings, "executor">;
    readonly charliecloud: Pick<CharliecloudSettings, "cache" | "image_storage_dir">;
  };
  /** The account that the job runs under. */
  readonly user: Account;
  /** Charliecloud's image storage, as an absolute path. */
  readonly storage: string;
  /** The expanded `data_dir`. */
  readonly dataDir: string;
}

/**
 * Decides where images are kept between jobs; the path is absolute and normalised. The nodes of a scheduler must see it,
 * so without a key for images it lies below `data_dir` then, which they have to see anyway. What the admin wrote wrongly
 * is the admin's fault.
 */
export function planCacheDirectory(input: CacheDirectoryInput): Verdict<Decision<string>> {
  const place = placeOf(input);
  const problem = directoryProblem(place.choice, "$HOME/images");
  if (problem !== undefined) {
    const meaning = place.written === place.choice ? "" : ` (${quoted(place.choice)})`;
    const message = `Cannot keep images in ${place.from} = ${quoted(place.written)}${meaning}: ${problem}; ${CACHE_DIR} names another directory`;
    return refuse("admin", message, place.from);
  }
  const { because, from } = place;
  return accept({ choice: normalisePath(place.choice), because, from });
}

interface Place extends Decision<string> {
  /** What the admin wrote, or what the place follows from. */
  readonly written: string;
}

function placeOf({ settings, user, storage, dataDir }: CacheDirectoryInput): Place {
  const { cache, image_storage_dir: parent } = settings.charliecloud;
  const expanded = (text: string) => expandAccount(text, user, { tilde: true });
  if (cache.dir !== undefined) {
    const choice = expanded(cache.dir);
    return { choice, written: cache.dir, because: "the configuration names it", from: CACHE_DIR };
  }
  if (parent !== undefined) {
    return {
      choice: `${expanded(parent)}/${user.name}.images`,
      written: parent,
      because: "the configuration names the directory of all images",
      from: STORAGE_DIR,
    };
  }
  if (settings.general.executor === "shell") {
    return {
      choice: `${storage}.jacamar/images`,
      written: storage,
      because: "it is beside Charliecloud's image storage",
      from: "CH_IMAGE_STORAGE",
    };
  }
  return {
    choice: `${dataDir}/images`,
    written: dataDir,
    because: "the nodes of the scheduler see the data directory",
    from: "[general] data_dir",
  };
}

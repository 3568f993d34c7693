import type { PackingTools } from "../charliecloud/packing.ts";
import type { User } from "../host/user.ts";
import { accept, type Decision, refuse, type Verdict } from "../plan/decision.ts";
import { expandAccount } from "../plan/expand.ts";
import { normalisePath } from "../plan/paths.ts";
import { quoted } from "../plan/quoted.ts";
import type { CharliecloudSettings, Settings } from "../settings/settings.ts";

const TABLE = "[general.charliecloud]";
const CACHE = "[general.charliecloud.cache]";
const ENABLED = `${CACHE} enabled`;

/** Where the image that ch-run starts lies. */
export type ImageSource = StorageSource | CacheSource;

/** By name in a Charliecloud storage, where `ch-image pull` put it. */
export interface StorageSource extends Decision<"storage"> {}

/** One entry of the image cache, which never changes. */
export interface CacheSource extends Decision<"cache"> {
  readonly directory: Decision<string>;
  /** Who fetches an image that the cache does not have. */
  readonly puller: Decision<"builtin" | "ch-image">;
  /** What stages on the runner's host start. */
  readonly entry: Decision<EntryKind>;
  /** What the batch job starts, where that may be something else; a node is not asked whether it has FUSE. */
  readonly batchEntry?: Decision<EntryKind>;
}

export type EntryKind = "sqfs" | "directory";

export interface SourceInput {
  readonly settings: Pick<CharliecloudSettings, "cache" | "disable_convert">;
  readonly packing: PackingTools;
  readonly chImage: string | undefined;
  /** The image also runs in a batch job. */
  readonly forBatch: boolean;
  readonly directory: Verdict<Decision<string>>;
  /** The site's mirrors or its being offline decide about this image, of which ch-image in its storage knows nothing. */
  readonly mirrored: boolean;
}

/** Whether some image of the site is fetched by ch-image. */
export function usesChImage({ general, charliecloud }: Settings): boolean {
  const isOn = general.run_mechanism === "charliecloud";
  return (
    isOn && (whyStored(charliecloud) !== undefined || charliecloud.cache.puller === "ch-image")
  );
}

export function chooseSource(input: SourceInput): Verdict<ImageSource> {
  const { settings, packing, forBatch, directory, mirrored } = input;
  const stored = whyStored(settings);
  if (stored !== undefined) return mirrored ? noMirror(stored) : accept(stored);
  if (!directory.ok) return directory;
  if (packing.mksquashfs === undefined && forBatch) {
    const wanted =
      "wanted: the squashfs-tools package, or disable_convert with a shared image_storage_dir";
    return refuse(
      "admin",
      `cannot make an image file for batch jobs: mksquashfs was not found; ${wanted}`,
      `${TABLE} disable_convert`,
    );
  }
  const puller = choosePuller(input);
  if (!puller.ok) return puller;
  const entry = chooseEntry(packing);
  return accept({
    choice: "cache",
    because: "no image is fetched or flattened twice",
    from: ENABLED,
    directory: directory.value,
    puller: puller.value,
    entry,
    ...(forBatch &&
      entry.choice !== "sqfs" && {
        batchEntry: { choice: "sqfs", because: "all nodes can read one file", from: "executor" },
      }),
  });
}

function whyStored({ cache, disable_convert }: SourceInput["settings"]): StorageSource | undefined {
  const choice = "storage";
  if (!cache.enabled) {
    return { choice, because: "the configuration switches the cache off", from: ENABLED };
  }
  if (!disable_convert) return undefined;
  const from = `${TABLE} disable_convert`;
  return { choice, because: "images run straight from the storage", from };
}

function noMirror({ from, because }: StorageSource): Verdict<StorageSource> {
  const message = `cannot ask a mirror, or stay offline, without the image cache: ${because}; wanted: mirrors and offline unset, or ${from} as by default`;
  return refuse("admin", message, from);
}

function choosePuller({ settings, chImage }: SourceInput): Verdict<CacheSource["puller"]> {
  const from = `${CACHE} puller`;
  if (settings.cache.puller === "builtin") {
    const because = "layers are fetched in parallel and kept by digest";
    return accept({ choice: "builtin", because, from });
  }
  if (chImage !== undefined) {
    return accept({ choice: "ch-image", because: "the configuration asks for it", from });
  }
  return refuse("admin", `${from} = "ch-image": ch-image was not found`, from);
}

function chooseEntry(packing: PackingTools): Decision<EntryKind> {
  if (!packing.fuse) {
    const because = "this user cannot open /dev/fuse, which a SquashFS image needs";
    return { choice: "directory", because, from: "/dev/fuse" };
  }
  return packing.mksquashfs !== undefined
    ? { choice: "sqfs", because: "one file, read through FUSE", from: "/dev/fuse" }
    : { choice: "directory", because: "mksquashfs was not found", from: "PATH" };
}

/** The directory that ch-image calls its storage. */
export function chooseStorage(input: {
  readonly settings: Settings;
  readonly user: User;
  readonly login: Readonly<Record<string, string>>;
}): Verdict<Decision<string>> {
  const { settings, user, login } = input;
  const from = `${TABLE} image_storage_dir`;
  const directory = settings.charliecloud.image_storage_dir;
  if (directory !== undefined) {
    const expanded = expandAccount(directory, user, { tilde: true });
    if (!expanded.startsWith("/")) {
      const message = `cannot use ${from} = ${quoted(directory)}: it is relative; wanted: an absolute path such as $HOME/images`;
      return refuse("admin", message, from);
    }
    return accept({
      choice: normalisePath(`${expanded}/${user.name}.ch`),
      because: "the configuration names its directory",
      from,
    });
  }
  const own = login["CH_IMAGE_STORAGE"];
  if (own?.startsWith("/")) {
    return accept({
      choice: normalisePath(own),
      because: "the user's login shell sets it",
      from: "CH_IMAGE_STORAGE",
    });
  }
  const choice = `/var/tmp/${user.name}.ch`;
  return accept({ choice, because: "it is Charliecloud's default", from });
}

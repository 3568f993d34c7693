import { isWithin, normalisePath } from "./paths.ts";

/** A bind mount, in the order in which ch-run makes them. */
export interface MountWish {
  readonly source: string;
  readonly target: string;
}

/** How a cached image, which nobody may change, offers the mount points of one job. */
export interface EntryMounts<Wish extends MountWish> {
  /** Bound before all others: directories of the job that hold mount points for what lies below the same path. */
  readonly anchors: readonly MountWish[];
  /** Mount points to make below the anchors' sources: absolute paths on the host. */
  readonly below: readonly { readonly path: string; readonly source: string }[];
  /** Mount points that the image itself must have: they become part of the entry. */
  readonly inImage: readonly Wish[];
}

/** ch-run mounts the host's own over these. */
const FROM_HOST = ["/dev", "/proc", "/sys", "/tmp"] as const;

/**
 * Says where the mount points of a job's binds come from when ch-run makes none in a read-only image (before 0.36, or
 * without --write-fake). An entry with the paths of one job in it would serve that job alone; so the image gets only the
 * roots that all jobs of a site share, and each job binds a directory of its own over a root, with the rest inside.
 *
 * @param roots directories that hold all that jobs bind by themselves, e.g. `data_dir`
 * @param skeletons an existing directory of this job, for the anchors' sources
 */
export function planEntryMounts<Wish extends MountWish>(input: {
  readonly wishes: readonly Wish[];
  readonly roots: readonly string[];
  readonly skeletons: string;
  readonly rootWish: (root: string) => Wish;
}): EntryMounts<Wish> {
  const { wishes, skeletons, rootWish } = input;
  const roots = input.roots.filter((root) => !isFromHost(root)).filter(isOutermost);
  const anchors = roots.map((target, n) => ({ source: `${skeletons}/${n}`, target }));
  const below: { readonly path: string; readonly source: string }[] = [];
  const inImage: Wish[] = roots.map(rootWish);
  const done: string[] = [];
  for (const wish of wishes) {
    const target = normalisePath(wish.target);
    const anchor = anchors.find((one) => isWithin(target, one.target));
    const isThere = isFromHost(target) || done.some((earlier) => isWithin(target, earlier));
    done.push(target);
    if (isThere) continue;
    if (anchor === undefined) inImage.push(wish);
    else if (target !== anchor.target) {
      const path = `${anchor.source}${target.slice(anchor.target.length)}`;
      below.push({ path, source: wish.source });
    }
  }
  return { anchors, below, inImage };
}

function isFromHost(path: string): boolean {
  return FROM_HOST.some((directory) => isWithin(path, directory));
}

function isOutermost(root: string, at: number, all: readonly string[]): boolean {
  return !all.some((other, i) => i !== at && isWithin(root, other) && (root !== other || i < at));
}

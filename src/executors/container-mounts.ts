import { canWriteFake } from "../charliecloud/applications.ts";
import type { MountPoint } from "../charliecloud/image-store.ts";
import type { Decision } from "../plan/decision.ts";
import type { Directories } from "../plan/directories.ts";
import { type EntryMounts, type MountWish, planEntryMounts } from "../plan/entry-mounts.ts";
import { isWithin, normalisePath } from "../plan/paths.ts";
import type { Bind } from "../plan/volumes.ts";
import type { PlannedOption } from "./ch-run-options.ts";

/** Where ch-run mounts its overlay. */
const SRV = "/srv";

export interface MountsInput {
  readonly directories: Directories;
  /** Who chose the image: one that cannot hold the job's directories is that one's choice. */
  readonly imageFault: "user" | "admin";
  readonly volumes: readonly Bind[];
  readonly options: readonly PlannedOption[];
  readonly chRunVersion: string;
  /** The image is a cache entry, which no job may change. */
  readonly cached: boolean;
}

/** What a container sees of the host, and where the mount points for it come from. */
export interface ContainerMounts {
  /** The job's own directories. */
  readonly binds: readonly Bind[];
  /** Among the administrator's and the user's options. */
  readonly optionBinds: readonly Bind[];
  readonly writeFake: Decision<boolean>;
  /** Bound before all others; their sources are directories to be made for the job. */
  readonly anchors: readonly MountWish[];
  /** To be made in the anchors' sources. */
  readonly below: EntryMounts<MountPoint>["below"];
  /** To be made in the image. */
  readonly mountPoints: readonly MountPoint[];
  readonly notes: readonly string[];
}

export function planMounts(input: MountsInput): ContainerMounts {
  const { directories, volumes, options, chRunVersion, cached } = input;
  const binds = jobBinds(directories);
  const optionBinds = options.flatMap(({ bind }) => bind ?? []);
  const writeFake = chooseWriteFake(chRunVersion, [...binds, ...volumes, ...optionBinds]);
  const wishes = mountPoints(input, binds, writeFake.choice);
  const { anchors, below, inImage } =
    cached && !writeFake.choice
      ? entryMounts(input, wishes)
      : { anchors: [], below: [], inImage: wishes };
  return {
    binds,
    optionBinds,
    writeFake,
    anchors,
    below,
    mountPoints: inImage,
    notes:
      writeFake.from === SRV ? [`The container's root is read-only: ${writeFake.because}`] : [],
  };
}

function entryMounts(
  { directories, imageFault }: MountsInput,
  wishes: readonly MountPoint[],
): EntryMounts<MountPoint> {
  const { dataDir, buildsRoot, scripts } = directories;
  return planEntryMounts({
    wishes,
    roots: [dataDir, buildsRoot],
    skeletons: `${scripts}/mounts`,
    rootWish: (root) => ({
      source: root,
      target: root,
      fault: imageFault,
      from: "[general] data_dir",
      filesOnly: false,
    }),
  });
}

function jobBinds(directories: Directories): Bind[] {
  const because = "the job's files keep their paths inside";
  const bind = (path: string, from: string) => ({ source: path, target: path, because, from });
  return [
    bind(directories.builds, "builds directory"),
    bind(directories.cache, "cache directory"),
    bind(directories.scripts, "scripts directory"),
  ];
}

/** ch-run makes mount points only with --write-fake, and some versions none for a file even then. */
function mountPoints(
  { imageFault, volumes, options }: MountsInput,
  binds: readonly Bind[],
  filesOnly: boolean,
): MountPoint[] {
  const points = (list: readonly Bind[], fault: "user" | "admin") =>
    list.map(({ source, target, from }) => ({ source, target, fault, from, filesOnly }));
  return [
    ...points(binds, imageFault),
    ...points(volumes, "user"),
    ...options.flatMap(({ bind, fault }) => (bind ? points([bind], fault) : [])),
  ];
}

/** ch-run before 0.36 has no overlay; and the overlay hides the host's /srv from bind mounts. */
function chooseWriteFake(version: string, binds: readonly Bind[]): Decision<boolean> {
  const from = `ch-run ${version || "of unknown version"}`;
  if (!canWriteFake(version)) {
    return {
      choice: false,
      because: "it has no --write-fake: the image itself has the mount points",
      from,
    };
  }
  const hidden = binds.find(({ source }) => isWithin(normalisePath(source), SRV));
  if (hidden !== undefined) {
    return {
      choice: false,
      because: `--write-fake would hide ${hidden.source} (${hidden.from}): the image itself has the mount points`,
      from: SRV,
    };
  }
  return { choice: true, because: "it can overlay the read-only image", from };
}

import { sizeText } from "../cache/space.ts";
import { type Finding, fail, merged, ok, warn } from "./finding.ts";
import { isInMemory, isShared } from "./mounts.ts";
import type { PlaceFacts } from "./place-facts.ts";

/** What a directory is for, and so what it must be able to do. */
export interface Purpose {
  /** E.g. `builds, caches and scripts of jobs`. */
  readonly holds: string;
  /** The key that decides where it is. */
  readonly key: string;
  readonly uid: number;
  /** Another user's directory may be read. */
  readonly shared: boolean;
  /** Programs in it are started where they lie. */
  readonly starts: boolean;
  /** Bytes that must stay free; undefined: some. */
  readonly minFree: number | undefined;
  readonly locks: boolean;
  readonly links: boolean;
  /** The nodes of a scheduler must see it. */
  readonly forNodes: boolean;
}

/** A job that clones something and builds it needs more. */
const LITTLE_BYTES = 1e9;
const FEW_FILES = 10_000;

export function judgePlace(facts: PlaceFacts, purpose: Purpose): Finding {
  const { path, existing, owner, mount, free } = facts;
  const where = existing === path ? path : `${path} (not there yet; ${existing} is)`;
  const onto = mount === undefined ? "" : `, ${mount.type} on ${mount.point}`;
  return merged([
    ok(`${where}${onto}, ${sizeText(free)} free`),
    judgeOwner(owner, purpose),
    judgeTrial(facts, purpose),
    judgeType(facts, purpose),
    judgeSpace(facts, purpose),
  ]);
}

function judgeOwner(owner: number | undefined, { uid, shared, key }: Purpose): Finding {
  if (owner === undefined || owner === uid || shared) return ok("");
  return fail(
    `it belongs to uid ${owner}`,
    `config or prepare refuses it: wanted uid ${uid}, who runs the job`,
    `chown ${uid} on it, or ${key} elsewhere`,
  );
}

function judgeTrial({ trial, mount, existing, path }: PlaceFacts, purpose: Purpose): Finding {
  const { holds, key, shared } = purpose;
  if (!trial.written) {
    const seen = `cannot be written to: ${trial.why}`;
    if (shared && existing === path)
      return warn(
        seen,
        "images that it does not have cannot be kept there",
        `its owner fills it: jacamar cache pull`,
      );
    return fail(seen, `there is no room for ${holds}`, `${key} with a directory of this user's`);
  }
  const noexec = mount?.options.includes("noexec") ? "mounted noexec" : "programs do not start";
  const can = [
    trial.attributes ? "user xattrs" : "no user xattrs",
    trial.hardLinks ? "hard links" : "no hard links",
    { excludes: "locks", permits: "locks that exclude nobody", none: "no locks" }[trial.locks],
  ];
  return merged([
    ok(can.join(", ")),
    trial.starts || !purpose.starts
      ? ok(trial.starts ? "" : noexec)
      : fail(
          noexec,
          "what a job builds there, and an image that is a directory, cannot be started (permission denied)",
          `mount it with exec, or ${key} on another file system`,
        ),
    trial.renames
      ? ok("")
      : fail(
          "a directory could be renamed over another that has files",
          "two jobs could get the same directory: claims rely on such a rename to fail",
          `${key} on another file system`,
        ),
    judgeLocks(trial.locks, purpose),
    trial.hardLinks || !purpose.links
      ? ok("")
      : warn(
          "",
          "layers are copied where they would be linked: more space and time",
          `${key} on another file system`,
        ),
  ]);
}

function judgeLocks(
  locks: "excludes" | "permits" | "none",
  { locks: needed, key }: Purpose,
): Finding {
  if (!needed || locks === "excludes") return ok("");
  const fix = `${key} on a local file system, or its mount option for locks (Lustre: flock; NFS: not nolock)`;
  return locks === "none"
    ? fail("", "jobs that use the image storage fail: it is locked with flock(2)", fix)
    : fail("", "two jobs could change the image storage at once", fix);
}

function judgeType({ mount }: PlaceFacts, { forNodes, holds, key }: Purpose): Finding {
  const type = mount?.type ?? "";
  return merged([
    isInMemory(type)
      ? warn(
          "it lies in memory",
          `${holds} take memory of this host and are gone after a reboot`,
          `${key} on a disk`,
        )
      : ok(""),
    forNodes && type !== "" && !isShared(type)
      ? warn(
          "it looks local to this host",
          "batch jobs on other nodes do not see it and fail; fine where the only node is this host",
          `${key} on a file system that the nodes share`,
        )
      : ok(""),
  ]);
}

function judgeSpace({ free, freeFiles }: PlaceFacts, { minFree, key }: Purpose): Finding {
  const findings: Finding[] = [];
  if (minFree !== undefined && free < minFree) {
    findings.push(
      warn(
        `less free than min_free, ${sizeText(minFree)}`,
        "every new image pushes older ones out, and may find no room itself",
        `jacamar cache gc; a lower [general.charliecloud.cache] min_free; ${key} on a larger file system`,
      ),
    );
  } else if (free < LITTLE_BYTES) {
    findings.push(
      warn(
        "little space",
        "jobs may fail with a full disk",
        `make room, or ${key} on a larger file system`,
      ),
    );
  }
  if (freeFiles !== undefined && freeFiles < FEW_FILES) {
    findings.push(
      warn(
        `only ${freeFiles} more files can be made`,
        "jobs may fail with a full disk",
        "remove files (df -i)",
      ),
    );
  }
  return merged(findings);
}

/** One line of /proc/self/mountinfo. */
export interface Mount {
  readonly point: string;
  /** As the kernel names it, e.g. `ext4`, `nfs4`, `lustre`, `fuse.sshfs`. */
  readonly type: string;
  readonly options: readonly string[];
}

/** File systems whose files other hosts see, as far as their names tell. */
const SHARED =
  /^(nfs4?|lustre|gpfs|beegfs|ceph|cifs|smb3|afs|panfs|pvfs2|orangefs|9p|virtiofs|glusterfs|wekafs|daos|fuse\..*(sshfs|gluster|ceph|cvmfs|dfuse|juicefs|moosefs|mfs|s3fs).*)$/;
const IN_MEMORY = ["tmpfs", "ramfs"];

/** The mount that a path, which has no symbolic links, lies on: the last one of the longest mount point. */
export function mountOf(mountinfo: string, path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mountinfo.split("\n")) {
    const [, , , , point = "", options = "", ...rest] = line.split(" ");
    if (point === "") continue;
    const place = unescaped(point);
    if (place !== "/" && path !== place && !path.startsWith(`${place}/`)) continue;
    if (best !== undefined && place.length < best.point.length) continue;
    // Optional fields end with a lone hyphen.
    const type = rest[rest.indexOf("-") + 1] ?? "";
    best = { point: place, type, options: options.split(",") };
  }
  return best;
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_whole, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

export function isShared(type: string): boolean {
  return SHARED.test(type);
}

export function isInMemory(type: string): boolean {
  return IN_MEMORY.includes(type);
}

import { lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";

/** Directories that hold programs and libraries; on most hosts links into /usr. */
const PROGRAMS = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/** What ch-run wants in an image, or binds. */
const EMPTY = [
  ...["dev", "proc", "sys", "tmp", "etc", "home", "mnt", "opt", "root", "run", "srv", "var"],
  "var/tmp",
];
const FILES = ["etc/passwd", "etc/group", "etc/hosts", "etc/resolv.conf"];

export interface TinyImage {
  readonly path: string;
  /** Options of ch-run that put this host's programs into it. */
  readonly binds: readonly string[];
}

/** Makes an image without any file of its own: it borrows the host's programs, so that it needs no network. */
export function makeTinyImage(path: string): TinyImage {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  for (const name of EMPTY) mkdirSync(`${path}/${name}`, { recursive: true, mode: 0o755 });
  for (const name of FILES) writeFileSync(`${path}/${name}`, "");
  const binds: string[] = [];
  for (const name of PROGRAMS) {
    const stats = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink()) symlinkSync(readlinkSync(`/${name}`), `${path}/${name}`);
    else if (stats?.isDirectory()) {
      mkdirSync(`${path}/${name}`, { mode: 0o755 });
      binds.push(`--bind=/${name}:/${name}`);
    }
  }
  return { path, binds };
}

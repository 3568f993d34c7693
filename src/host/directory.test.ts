import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { ensureOwnDirectory } from "./directory.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("directory");
});
afterAll(() => fresh.remove());

const UID = process.getuid?.() ?? 0;
const IS_ROOT = UID === 0;
const STRANGER = 64_321;

const ensure = (path: string, mode = 0o700, uid = UID) =>
  ensureOwnDirectory({ path, mode, uid, purpose: "the job's builds", key: "[general] data_dir" });
const modeOf = (path: string) => statSync(path).mode & 0o7777;

describe("a directory that is", () => {
  test("missing is made, with its parents and exactly the mode, whatever the umask", () => {
    for (const umask of [0o000, 0o022, 0o077]) {
      const before = process.umask(umask);
      try {
        for (const mode of [0o700, 0o750, 0o2770]) {
          const path = `${fresh.path}/new-${umask}/deep/${mode}`;
          ensure(path, mode);
          expect(modeOf(path)).toBe(mode);
        }
      } finally {
        process.umask(before);
      }
      expect(modeOf(`${fresh.path}/new-${umask}`) & 0o077).toBe(0);
    }
  });

  test("there keeps what is in it and gets the mode", () => {
    const path = `${fresh.path}/old`;
    mkdirSync(path, { mode: 0o777 });
    writeFileSync(`${path}/file`, "");
    ensure(path);
    expect(modeOf(path)).toBe(0o700);
    expect(existsSync(`${path}/file`)).toBe(true);
  });

  test("reached by a link of the user's own is fine", () => {
    mkdirSync(`${fresh.path}/real`);
    symlinkSync(`${fresh.path}/real`, `${fresh.path}/own-link`);
    ensure(`${fresh.path}/own-link/below`);
    expect(existsSync(`${fresh.path}/real/below`)).toBe(true);
  });
});

describe("what is refused, in one line that names the path, the purpose and the key", () => {
  const refusal = (path: string, uid = UID) => {
    try {
      ensure(path, 0o700, uid);
    } catch (error) {
      if (error instanceof Error) return `${error.name}: ${error.message}`;
    }
    return "no refusal";
  };
  const line = (path: string, what: string) =>
    `SystemFailure: cannot use ${path} for the job's builds: ${what} ([general] data_dir)`;

  test("a directory of another user", () => {
    const path = `${fresh.path}/foreign`;
    mkdirSync(path);
    if (IS_ROOT) chownSync(path, STRANGER, STRANGER);
    const [owner, wanted] = IS_ROOT ? [STRANGER, 0] : [UID, UID + 1];
    expect(refusal(path, wanted)).toBe(
      line(path, `it belongs to uid ${owner}; wanted: uid ${wanted}, who runs the job`),
    );
    expect(modeOf(path)).not.toBe(0o700);
  });

  test("a link of another user on the way, also to a directory of the user's own", () => {
    const link = `${fresh.path}/foreign-link`;
    mkdirSync(`${fresh.path}/target`);
    symlinkSync(`${fresh.path}/target`, link);
    if (IS_ROOT) lchownSync(link, STRANGER, STRANGER);
    const wanted = IS_ROOT ? UID : UID + 1;
    const owner = IS_ROOT ? STRANGER : UID;
    expect(refusal(`${link}/below`, wanted)).toContain(
      `${link} is a symbolic link of uid ${owner}; wanted: a link of uid ${wanted} or root, or none`,
    );
    expect(existsSync(`${fresh.path}/target/below`)).toBe(false);
  });

  test("a link to a directory of another user", () => {
    if (!IS_ROOT) {
      symlinkSync("/", `${fresh.path}/to-foreign`);
      expect(refusal(`${fresh.path}/to-foreign`)).toContain("it belongs to uid 0");
      return;
    }
    mkdirSync(`${fresh.path}/theirs`);
    chownSync(`${fresh.path}/theirs`, STRANGER, STRANGER);
    symlinkSync(`${fresh.path}/theirs`, `${fresh.path}/to-foreign`);
    expect(refusal(`${fresh.path}/to-foreign`)).toContain(`it belongs to uid ${STRANGER}`);
  });

  test("a file in its place or on the way, a link to nothing, a circle of links", () => {
    const file = `${fresh.path}/file`;
    writeFileSync(file, "");
    symlinkSync("/no/where", `${fresh.path}/dangling`);
    symlinkSync("circle", `${fresh.path}/circle`);
    expect(refusal(file)).toBe(line(file, "it is not a directory"));
    expect(refusal(`${file}/below`)).toBe(line(`${file}/below`, "it is not a directory"));
    const dangling = `${fresh.path}/dangling`;
    expect(refusal(dangling)).toBe(line(dangling, "it is not a directory"));
    expect(refusal(`${fresh.path}/circle/below`)).toContain("too many symbolic links");
  });

  test("a read-only file system", () => {
    if (!IS_ROOT) {
      expect(refusal("/proc/sys/below")).toStartWith("SystemFailure: cannot use /proc/sys/below");
      return;
    }
    const disk = `${fresh.path}/disk`;
    mkdirSync(disk);
    mustRun(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", disk]);
    try {
      expect(refusal(`${disk}/below`)).toBe(line(`${disk}/below`, "the file system is read-only"));
      expect(refusal(disk)).toBe(line(disk, "the file system is read-only"));
    } finally {
      mustRun(["umount", disk]);
    }
  });

  test("a full disk, and a directory that may not be entered", () => {
    if (!IS_ROOT) {
      mkdirSync(`${fresh.path}/closed`);
      chmodSync(`${fresh.path}/closed`, 0);
      const answer = refusal(`${fresh.path}/closed/below`);
      chmodSync(`${fresh.path}/closed`, 0o700);
      expect(answer).toContain("permission denied");
      return;
    }
    const disk = `${fresh.path}/full`;
    mkdirSync(disk);
    mustRun(["mount", "-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs", disk]);
    try {
      writeFileSync(`${disk}/last`, "");
      expect(refusal(`${disk}/below`)).toBe(line(`${disk}/below`, "no space left on the device"));
    } finally {
      mustRun(["umount", disk]);
    }
  });
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import {
  checkStorage,
  imageDirectory,
  isComplete,
  prepareStorage,
  storageLockHolder,
  storageName,
} from "./storage.ts";

const KEY = "[general.charliecloud] image_storage_dir";
const uid = process.getuid?.() ?? 0;
let dir = "";
beforeEach(() => {
  dir = mkdtempSync("/var/tmp/jacamar-storage-");
});
afterEach(() => rmSync(dir, { recursive: true }));

test("storageName() is the directory that ch-image and ch-run make of a name", () => {
  expect(storageName("r.example:5000/a/b:1.0")).toBe("r.example+5000%a%b+1.0");
  expect(storageName(`a@sha256:${"0".repeat(64)}`)).toBe(`a@sha256+${"0".repeat(64)}`);
});

test("isComplete() wants the file that ch-image unpacks last", () => {
  expect(isComplete(dir, "a:1")).toBe(false);
  mkdirSync(`${imageDirectory(dir, "a:1")}/ch`, { recursive: true });
  expect(isComplete(dir, "a:1")).toBe(false);
  writeFileSync(`${imageDirectory(dir, "a:1")}/ch/metadata.json`, "{}");
  expect(isComplete(dir, "a:1")).toBe(true);
  expect(isComplete(dir, "a:2")).toBe(false);
});

test("isComplete() does not take an image for whole that is still being put into the build cache", () => {
  const image = imageDirectory(dir, "a:1");
  mkdirSync(`${image}/ch`, { recursive: true });
  writeFileSync(`${image}/ch/metadata.json`, "{}");
  mkdirSync(`${dir}/bucache/worktrees/a+1`, { recursive: true });
  writeFileSync(`${image}/.git`, `gitdir: ${dir}/bucache/worktrees/a+1\n`);
  writeFileSync(`${dir}/bucache/worktrees/a+1/HEAD`, "ref: refs/heads/a+1#\n");
  expect(isComplete(dir, "a:1")).toBe(false);
  writeFileSync(`${dir}/bucache/worktrees/a+1/HEAD`, "ref: refs/heads/a+1\n");
  expect(isComplete(dir, "a:1")).toBe(true);
});

test("checkStorage() accepts one's own directory, one that is to be made, and one's own link", () => {
  checkStorage(`${dir}/new.ch`, uid, KEY);
  mkdirSync(`${dir}/own.ch`);
  checkStorage(`${dir}/own.ch`, uid, KEY);
  symlinkSync(`${dir}/own.ch`, `${dir}/link.ch`);
  checkStorage(`${dir}/link.ch`, uid, KEY);
  symlinkSync(`${dir}/nowhere`, `${dir}/dangling.ch`);
  checkStorage(`${dir}/dangling.ch`, uid, KEY);
});

test("checkStorage() names the key when the directory for it is missing or no directory", () => {
  writeFileSync(`${dir}/file`, "");
  for (const parent of [`${dir}/missing`, `${dir}/file`]) {
    expect(() => checkStorage(`${parent}/ann.ch`, uid, KEY)).toThrow(
      `image storage ${parent}/ann.ch: ${parent} is not a directory; wanted: an existing one (${KEY})`,
    );
  }
});

test("checkStorage() refuses images of somebody else, also behind a link", () => {
  mkdirSync(`${dir}/theirs.ch`);
  symlinkSync(`${dir}/theirs.ch`, `${dir}/mine.ch`);
  for (const name of ["theirs.ch", "mine.ch"]) {
    expect(() => checkStorage(`${dir}/${name}`, uid + 1, KEY)).toThrow(`belongs to uid ${uid}`);
  }
});

test.if(uid === 0)(
  "checkStorage() refuses a link that another user made, wherever it leads",
  () => {
    mkdirSync(`${dir}/root.ch`);
    symlinkSync(`${dir}/root.ch`, `${dir}/link.ch`);
    lchownSync(`${dir}/link.ch`, 4321, 4321);
    expect(() => checkStorage(`${dir}/link.ch`, 0, KEY)).toThrow("belongs to uid 4321");
  },
);

test("prepareStorage() takes away what an earlier ch-run left where ch-image wants nothing", () => {
  mkdirSync(`${dir}/a.ch/mnt`, { recursive: true });
  mkdirSync(`${dir}/b.ch`);
  for (const name of ["a.ch", "b.ch", "none.ch"]) {
    prepareStorage(`${dir}/${name}`);
    expect(existsSync(`${dir}/${name}`)).toBe(false);
  }
});

test("prepareStorage() leaves a storage, a link and everything else alone", () => {
  mkdirSync(`${dir}/a.ch/mnt`, { recursive: true });
  writeFileSync(`${dir}/a.ch/version`, "5\n");
  mkdirSync(`${dir}/b.ch/img`, { recursive: true });
  mkdirSync(`${dir}/empty`);
  symlinkSync(`${dir}/empty`, `${dir}/link.ch`);
  writeFileSync(`${dir}/file.ch`, "");
  for (const path of ["a.ch/mnt", "b.ch/img", "link.ch", "file.ch"]) {
    prepareStorage(`${dir}/${path.replace(/\/.*/, "")}`);
    expect(existsSync(`${dir}/${path}`)).toBe(true);
  }
});

test("storageLockHolder() names the process that holds ch-image's lock", async () => {
  expect(storageLockHolder(dir)).toBe("");
  closeSync(openSync(`${dir}/lock`, "w"));
  expect(storageLockHolder(dir)).toBe("");
  const script =
    "import fcntl,sys,time; f=open(sys.argv[1],'w'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); sys.stdin.read()";
  const holder = Bun.spawn(["/usr/bin/python3", "-c", script, `${dir}/lock`], {
    stdin: "pipe",
    stdout: "pipe",
  });
  await holder.stdout.getReader().read();
  expect(storageLockHolder(dir)).toStartWith(`pid ${holder.pid}: /usr/bin/python3 -c`);
  holder.stdin.end();
  await holder.exited;
  expect(storageLockHolder(dir)).toBe("");
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { withLock } from "./lock.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("lock");
});
afterAll(() => fresh.remove());

const NEVER = new AbortController().signal;
const quiet = { holder: "this test", onWait: () => {}, signal: NEVER };

/** Another process in which `withLock`, `path`, `quiet` and `fs` are known. */
function inProcess(path: string, program: string) {
  const head = `
    import * as fs from "node:fs";
    import { withLock } from "${import.meta.dir}/lock.ts";
    const path = ${JSON.stringify(path)};
    const quiet = { holder: "job 42", onWait: () => {}, signal: new AbortController().signal };`;
  return Bun.spawn([process.execPath, "-e", head + program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

const HOLD =
  'await withLock(path, quiet, async () => { console.log("held"); await Bun.sleep(1e6); });';

async function held(process: ReturnType<typeof inProcess>): Promise<void> {
  const { value } = await process.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toContain("held");
}

test("one holder at a time, whatever the number of processes", async () => {
  const path = `${fresh.path}/counted`;
  writeFileSync(`${path}.count`, "0");
  const program = `
    for (let i = 0; i < 5; i++) await withLock(path, quiet, async () => {
      const count = Number(fs.readFileSync(path + ".count", "utf8"));
      await Bun.sleep(2);
      fs.writeFileSync(path + ".count", String(count + 1));
    });`;
  const all = Array.from({ length: 6 }, () => inProcess(path, program));
  expect(await Promise.all(all.map((one) => one.exited))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(readFileSync(`${path}.count`, "utf8")).toBe("30");
});

test("the one who waits learns who holds it, once, and gets it when the holder is killed", async () => {
  const path = `${fresh.path}/killed`;
  const holder = inProcess(path, HOLD);
  await held(holder);
  const told: string[] = [];
  const onWait = (text: string) => {
    told.push(text);
    setTimeout(() => holder.kill("SIGKILL"), 300);
  };
  expect(await withLock(path, { ...quiet, onWait }, async () => "mine")).toBe("mine");
  expect(told).toEqual(["job 42"]);
});

test("what the holder has started does not inherit the lock", async () => {
  const path = `${fresh.path}/inherited`;
  const child = `
    const { spawn } = require("node:child_process");
    const child = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
    fs.writeFileSync(path + ".pid", String(child.pid));`;
  const holder = inProcess(path, HOLD.replace("console", `${child} console`));
  await held(holder);
  holder.kill("SIGKILL");
  await holder.exited;
  expect(await withLock(path, quiet, async () => "mine")).toBe("mine");
  process.kill(Number(readFileSync(`${path}.pid`, "utf8")), "SIGKILL");
});

test("waiting ends with the signal's reason, and nothing is done", async () => {
  const path = `${fresh.path}/aborted`;
  const holder = inProcess(path, HOLD);
  await held(holder);
  const controller = new AbortController();
  let worked = false;
  const waiting = withLock(
    path,
    { ...quiet, signal: controller.signal, onWait: () => controller.abort(new Error("enough")) },
    async () => {
      worked = true;
    },
  );
  await expect(waiting).rejects.toThrow("enough");
  expect(worked).toBe(false);
  holder.kill("SIGKILL");
  await holder.exited;
});

test("it is given back when the work fails, and the failure is told", async () => {
  const path = `${fresh.path}/failed`;
  const failing = withLock(path, quiet, async () => {
    throw new Error("work failed");
  });
  await expect(failing).rejects.toThrow("work failed");
  expect(await withLock(path, quiet, async () => "mine")).toBe("mine");
});

test("the file is private and names the latest holder alone", async () => {
  const path = `${fresh.path}/private`;
  await withLock(path, { ...quiet, holder: "a long name of an earlier holder" }, async () => {});
  await withLock(path, quiet, async () => {
    expect(readFileSync(path, "utf8")).toBe("this test\n");
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a place where no file can be is an error at once", async () => {
  const nowhere = withLock(`${fresh.path}/nowhere/lock`, quiet, async () => {});
  await expect(nowhere).rejects.toThrow("ENOENT");
});

test("a full disk does not keep the lock from being taken: a cleanup makes room", async () => {
  const disk = `${fresh.path}/disk`;
  mkdirSync(disk);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) mustRun(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]);
  try {
    writeFileSync(`${disk}/lock`, "");
    if (isRoot) mustRun(["sh", "-c", `cat /dev/zero > ${disk}/fill 2> /dev/null || true`]);
    expect(await withLock(`${disk}/lock`, quiet, async () => "mine")).toBe("mine");
  } finally {
    if (isRoot) mustRun(["umount", disk]);
  }
});

test("a file system without locks is an error that names the file, not a wait for ever", async () => {
  // A filter that lets flock(2) fail with ENOSYS, as Lustre does without its mount option.
  const numbers: Partial<Record<NodeJS.Architecture, number>> = { x64: 73, arm64: 32 };
  const program = `
    import { dlopen, ptr } from "bun:ffi";
    const instruction = (code, jt, jf, k) => [code & 255, code >> 8, jt, jf, k & 255, (k >> 8) & 255, (k >> 16) & 255, k >>> 24];
    const filter = new Uint8Array([
      ...instruction(0x20, 0, 0, 0),
      ...instruction(0x15, 0, 1, ${numbers[process.arch]}),
      ...instruction(0x06, 0, 0, 0x00050000 | 38),
      ...instruction(0x06, 0, 0, 0x7fff0000),
    ]);
    const fprog = new BigUint64Array([4n, BigInt(ptr(filter))]);
    const { symbols } = dlopen("libc.so.6", {
      prctl: { args: ["i32", "u64", "ptr", "u64", "u64"], returns: "i32" },
    });
    symbols.prctl(38, 1n, null, 0n, 0n);
    if (symbols.prctl(22, 2n, ptr(fprog), 0n, 0n) !== 0) throw new Error("no filter");
    await withLock(path, quiet, async () => {}).catch((error) => console.log(error.name, error.message));`;
  const path = `${fresh.path}/lockless`;
  const child = inProcess(path, program);
  expect(await new Response(child.stdout).text()).toBe(
    `SystemFailure cannot lock ${path}: its file system has no locks; wanted: another one, or another mount option (Lustre: flock)\n`,
  );
});

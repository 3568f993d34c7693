import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import {
  descendants,
  identify,
  liveness,
  parentOf,
  processesOf,
  startedBy,
  startTime,
} from "./proc.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("proc");
});
afterAll(() => fresh.remove());

/** Processes that a test started, or that those started. */
const started: number[] = [];
afterEach(async () => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {}
    // The next test looks for processes of its own.
    while (startTime(pid) !== undefined) await Bun.sleep(5);
  }
});

/** Runs a script of Bash that prints pids first; returns its own pid and those. */
async function start(
  script: string,
  prefix: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<number[]> {
  const child = Bun.spawn([...prefix, "/bin/bash", "-c", script], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: "/usr/bin:/bin", ...env },
  });
  const { value } = await child.stdout.getReader().read();
  const pids = [child.pid, ...new TextDecoder().decode(value).trim().split(/\s+/).map(Number)];
  started.push(...pids.filter((pid) => pid > 1));
  return pids;
}

const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];

describe("a process's identity", () => {
  test("is alive as long as the process, and dead as soon as nobody but its parent knows it", async () => {
    // A parent that never asks how its child ended.
    const careless = "$| = 1; exec qw(sleep 1000) unless $p = fork; print $p; sleep 1000";
    const [, pid = 0] = await start(`exec perl -e '${careless}'`);
    const identity = identify(pid);
    expect(identity).toMatchObject({ host: hostname(), pid });
    expect(liveness(identity)).toBe("alive");
    process.kill(pid, "SIGKILL");
    while (stateOf(pid) !== "Z") await Bun.sleep(5);
    expect(liveness(identity)).toBe("dead");
    expect(startTime(pid)).toBeUndefined();
  });

  test("is dead when the pid is another process's, or another kernel runs", () => {
    const own = identify(process.pid);
    expect(liveness(own)).toBe("alive");
    expect(liveness({ ...own, start: "1" })).toBe("dead");
    expect(liveness({ ...own, boot: "an earlier one" })).toBe("dead");
  });

  test("is unknown on another host, whatever the rest says", () => {
    const own = identify(process.pid);
    expect(liveness({ ...own, host: "elsewhere" })).toBe("unknown");
    expect(liveness({ ...own, host: "elsewhere", boot: "another", start: "1" })).toBe("unknown");
  });

  test("of a process that has ended is dead from the start", async () => {
    const child = Bun.spawn(["true"]);
    await child.exited;
    expect(liveness(identify(child.pid))).toBe("dead");
  });

  test("is read right when the program's name looks like the rest of the line", async () => {
    const program = `${fresh.path}/a) Z 1 (b`;
    copyFileSync("/bin/sleep", program);
    const [pid = 0] = await start(`echo; exec '${program}' 1000`);
    while (!readFileSync(`/proc/${pid}/stat`, "utf8").includes("(a) Z")) await Bun.sleep(5);
    expect(parentOf(pid)).toBe(process.pid);
    expect(startTime(pid)).toMatch(/^\d{2,}$/);
    expect(liveness(identify(pid))).toBe("alive");
  });

  test("is alive when only the first of its threads has ended", async () => {
    const program = `
      const { dlopen } = require("bun:ffi");
      new Worker("data:text/javascript,setInterval(() => {}, 1000)");
      setTimeout(() => {
        console.log(process.pid);
        dlopen("libc.so.6", { pthread_exit: { args: ["ptr"], returns: "void" } }).symbols.pthread_exit(null);
      }, 300);`;
    const [pid = 0] = await start(`exec '${process.execPath}' -e '${program}'`);
    while (stateOf(pid) !== "Z") await Bun.sleep(5);
    expect(liveness(identify(pid))).toBe("alive");
  });
});

test("parentOf() tells the parent, and nothing for a process that is not there", async () => {
  const [pid = 0, child = 0] = await start("sleep 1000 & echo $!; exec sleep 1000");
  expect(parentOf(child)).toBe(pid);
  expect(parentOf(pid)).toBe(process.pid);
  expect(parentOf(2 ** 22)).toBeUndefined();
});

test("descendants() are all below, also with a session of their own, but no zombies and nobody else", async () => {
  const script =
    "sleep 1000 & a=$!; (sleep 1000 & echo $! $BASHPID $a; exec setsid sleep 1000) & wait";
  const [root = 0, ...rest] = await start(script);
  expect(rest).toHaveLength(3);
  expect(descendants(root).sort()).toEqual(rest.sort());
  const [, , zombie = 0] = [...rest.sort()];
  process.kill(zombie, "SIGKILL");
  while (startTime(zombie) !== undefined) await Bun.sleep(5);
  expect(descendants(root)).not.toContain(zombie);
  expect(descendants(zombie)).toEqual([]);
  expect(descendants(process.pid)).toContain(root);
});

test("startedBy() passes over programs that only wrap a hook", async () => {
  const wrappers = ["env", "timeout", "1000"];
  const [pid = 0, child = 0] = await start("sleep 1000 & echo $!; wait", wrappers);
  expect(startedBy(child)).toBe(process.pid);
  expect(startedBy(pid)).toBe(process.pid);
});

describe("processesOf()", () => {
  const uid = process.getuid?.() ?? 0;
  const entry = "JACAMAR_TEST_ENTRY=value of this test";
  const nowhere = "/no/where";

  test("finds what carries the whole entry in its environment, wherever it hides", async () => {
    const env = { JACAMAR_TEST_ENTRY: "value of this test" };
    const script = "(setsid sleep 1000 & echo $! $$); exec sleep 1000";
    const [pid = 0, child = 0] = await start(script, [], env);
    const [almost = 0] = await start("echo; exec sleep 1000", [], {
      JACAMAR_TEST_ENTRY: "value of this test and more",
    });
    await start("echo; exec sleep 1000");
    const found = processesOf({ uid, entry, mountPoint: nowhere });
    expect(found.sort()).toEqual([pid, child].sort());
    expect(found).not.toContain(almost);
  });

  test("never this process, and nothing of another user", async () => {
    const env = { JACAMAR_TEST_ENTRY: "value of this test" };
    const [pid = 0] = await start("echo; exec sleep 1000", [], env);
    expect(processesOf({ uid, entry, mountPoint: nowhere })).toEqual([pid]);
    expect(processesOf({ uid: uid + 1, entry, mountPoint: nowhere })).toEqual([]);
    const [own = ""] = readFileSync("/proc/self/environ", "utf8").split("\0");
    expect(processesOf({ uid, entry: own, mountPoint: nowhere })).not.toContain(process.pid);
  });

  test("finds what lives in a mount namespace of its own with that mount point, and nothing else", async () => {
    const directory = `${fresh.path}/with blank\tand\\backslash`;
    mkdirSync(directory);
    const namespace = ["unshare", "--map-root-user", "--mount", "--"];
    const inside = `mount --bind "$DIR" "$DIR"; sleep 1000 & echo $! $$; wait`;
    const [pid = 0, child = 0] = await start(inside, namespace, { DIR: directory });
    await start("echo; exec sleep 1000", namespace);
    const find = (mountPoint: string) => processesOf({ uid, entry: "NO=such", mountPoint }).sort();
    expect(find(directory)).toEqual([pid, child].sort());
    expect(find(`${fresh.path}/with blank`)).toEqual([]);
    // A mount of this process's own namespace tells nothing about a process.
    expect(find("/proc")).not.toContain(process.ppid);
  });
});

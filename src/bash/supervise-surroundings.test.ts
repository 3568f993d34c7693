import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, constants, openSync, readFileSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { Stages } from "../../test/fixtures/stage.ts";

const BUILD_FAILURE = 1;
const SYSTEM_FAILURE = 2;

let fresh: FreshDirectory;
let stages: Stages;
beforeAll(() => {
  fresh = freshDirectory("surroundings");
  stages = new Stages(fresh.path);
  stages.addImages();
});
afterAll(() => fresh.remove());

describe("the environment of the job", () => {
  test("BASH_ENV and exported functions are the script's, not the supervisor's", async () => {
    const file = `${fresh.path}/bash-env`;
    writeFileSync(file, 'echo "read by $0"; kill() { echo fooled; }; wait() { echo fooled; }\n');
    const env = { BASH_ENV: file, "BASH_FUNC_read%%": "() { echo fooled; }" };
    const script = "declare -F read; echo $BASH_ENV; exit 5\n";
    const result = await stages.run({ place: "host", env, script });
    expect(result).toMatchObject({ code: BUILD_FAILURE, exitCode: "5\n" });
    expect(result.output).not.toContain("fooled");
    expect(result.output.match(/read by .*/g)).toEqual([`read by ${fresh.path}/stage-0/entry`]);
    expect(result.output).toContain(`read\n${file}\n`);
  });

  test("options of Bash and a PATH that leads nowhere do not disturb the supervisor", async () => {
    const env = { SHELLOPTS: "errexit:noexec:xtrace", IFS: "0", PATH: "/nowhere" };
    const script = "(trap '' TERM; /bin/sleep 1000; /bin/sleep 1000) &\nexit 0\n";
    const command = ["/bin/bash", "-c", `${script}\n`];
    const stage = stages.start({ place: "host", script, env, command, killTimeout: 100 });
    const result = await stage.result;
    expect(result).toMatchObject({ code: SYSTEM_FAILURE, left: [] });
    expect(result.milliseconds).toBeGreaterThan(1500);
  });

  test("the script has the three standard files, an empty stdin and no signal ignored or blocked", async () => {
    const script =
      "ls /proc/self/fd\ngrep -E 'Sig(Blk|Ign)' /proc/self/status\nreadlink /proc/self/fd/0\nexit 0\n";
    for (const place of ["host", "directory"] as const) {
      const { output } = await stages.run({ place, script });
      const words = output.split(/\s+/).filter((word) => word !== "");
      const none = "0000000000000000";
      expect(words).toEqual([..."0123", "SigBlk:", none, "SigIgn:", none, "/dev/null"]);
    }
  });
});

describe("the log", () => {
  /** A pipe that nobody reads. */
  function deadPipe(): number {
    const path = `${fresh.path}/pipe`;
    mustRun(["mkfifo", path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, "w");
    closeSync(reader);
    mustRun(["rm", path]);
    return writer;
  }

  test("a closed one ends a script that writes to it, as everywhere", async () => {
    const output = deadPipe();
    const result = await stages.run({ place: "host", script: "echo lost\nexit 0\n", output });
    closeSync(output);
    expect(result).toMatchObject({ code: BUILD_FAILURE, exitCode: "141\n" });
  });

  for (const place of ["host", "squashfs"] as const) {
    test(`a closed one does not decide the result of a silent script in ${place}`, async () => {
      const output = deadPipe();
      const result = await stages.run({ place, script: "sleep 1000 &\nexit 0\n", output });
      closeSync(output);
      expect(result).toMatchObject({ code: 0, left: [] });
    });
  }
});

test("waiting costs nothing: the supervisor is not woken while the job runs", async () => {
  const stage = stages.start({ place: "host", script: "echo ready\nsleep 1\nexit 0\n" });
  await stage.until("ready");
  const switches = () =>
    readFileSync(`/proc/${stage.pid}/status`, "utf8").match(/\w*voluntary_ctxt_switches.*/g);
  await Bun.sleep(100);
  const before = switches();
  await Bun.sleep(600);
  expect(switches()).toEqual(before);
  expect(await stage.result).toMatchObject({ code: 0 });
});

test("a job that has used up all its user's processes is ended whole", async () => {
  const supervise = `${fresh.path}/supervise.bash`;
  const bomb = "trap '' TERM; while :; do sleep 1003 & done 2> /dev/null";
  if (process.getuid?.() !== 0) {
    // For this user the limit would count processes that are not the test's.
    const script = `trap '' TERM; for i in {1..100}; do sleep 1003 & done; kill $PPID; wait\n`;
    const result = await stages.run({ place: "host", script, killTimeout: 300 });
    expect(result).toMatchObject({ code: SYSTEM_FAILURE, left: [] });
    return;
  }
  const user = ["setpriv", "--reuid=64321", "--regid=64321", "--clear-groups", "--"];
  const limit = ["prlimit", "--nproc=40", "--"];
  const stage = [
    supervise,
    "host",
    "/dev/null",
    "300",
    "1",
    "2",
    "",
    "--",
    "/bin/bash",
    "-c",
    bomb,
  ];
  const child = Bun.spawn([...user, ...limit, "/bin/bash", "-p", ...stage], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  const living = () =>
    mustRun(["sh", "-c", "ps -u 64321 -o stat= || true"])
      .split("\n")
      .filter((state) => state !== "" && !state.startsWith("Z")).length;
  while (living() < 40) await Bun.sleep(20);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(SYSTEM_FAILURE);
  expect(living()).toBe(0);
});

test("an image without Bash works also when the runner was started in a terminal", async () => {
  // Hooks are in the background there: a shell that wants job control would stop for ever.
  const terminal = `${fresh.path}/terminal`;
  const lines = [
    "#!/bin/bash",
    "printf -v command '%q ' timeout 20 \"$@\"",
    'SHELL=/bin/bash exec script -qec "set -o pipefail; $command 2>&1 | cat" /dev/null',
  ];
  writeFileSync(terminal, `${lines.join("\n")}\n`, { mode: 0o755 });
  for (const shell of ["/bin/sh", "/bin/bash"]) {
    const script = "tty < /dev/tty; echo done; exit 3\n";
    const place = "directory";
    const result = await stages.run({ place, script, shell, prefix: [terminal] });
    expect(result).toMatchObject({ code: BUILD_FAILURE, exitCode: "3\n", left: [] });
    expect(result.output).toContain("done");
  }
});

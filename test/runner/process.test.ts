import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Hook, startHook } from "../../src/runner/process.ts";
import { Bench } from "./bench.ts";

const bench = new Bench();
afterAll(() => bench.remove());

/** Long enough that only a fault lets a test wait for it. */
const long = 60_000;
const patient = { graceful: long, force: long };

/** Starts bash with a text; `first` is its first piece of output. */
function start(text: string): { hook: Hook; first: Promise<string> } {
  const first = Promise.withResolvers<string>();
  const hook = startHook({
    argv: ["/bin/bash", "-c", text],
    env: { PATH: process.env["PATH"] ?? "" },
    cwd: bench.root,
    onOutput: (_stream, output) => first.resolve(output),
  });
  return { hook, first: first.promise };
}

/** Resolves when a process is gone and has been reaped. */
async function gone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) {
    await Bun.sleep(5);
  }
}

test("code, streams and working directory", async () => {
  const result = await start("pwd; echo problem >&2; exit 3").hook.result;
  expect(result).toMatchObject({
    code: 3,
    signal: null,
    stdout: `${bench.root}\n`,
    stderr: "problem\n",
    gaveUp: false,
  });
  expect(result.log).toHaveLength(result.stdout.length + result.stderr.length);
});

test("only three descriptors, stdin empty, outputs are pipes which can be opened again", async () => {
  const { stdout, stderr } = await start(`
    for fd in {0..300}; do [ ! -e /proc/$$/fd/$fd ] || printf '%s ' $fd; done; echo
    readlink /proc/$$/fd/0 /proc/$$/fd/1; cat; echo again > /dev/stderr`).hook.result;
  const [descriptors, input, output] = stdout.split("\n");
  expect(descriptors).toBe("0 1 2 ");
  expect(input).toBe("/dev/null");
  expect(output).toStartWith("pipe:[");
  expect(stderr).toBe("again\n");
});

test("the hook leads its own process group", async () => {
  const { stdout, pid } = await start("ps -o pgid= -p $$").hook.result;
  expect(Number(stdout)).toBe(pid ?? 0);
});

test("what cannot be started is a result", async () => {
  const env = { PATH: "/bin" };
  const cwd = bench.root;
  const results = [
    await startHook({ argv: ["/no/such/program"], env, cwd }).result,
    await startHook({ argv: ["/bin/true"], env: { ...env, A: "x\0y" }, cwd }).result,
    await startHook({ argv: ["/bin/true"], env: { ...env, A: "x".repeat(140_000) }, cwd }).result,
  ];
  for (const result of results) {
    expect(result).toMatchObject({ pid: undefined, code: null, gaveUp: false, stdout: "" });
    expect(result.startError).toMatch(/./);
  }
});

test("a background process that holds the pipe keeps the hook running", async () => {
  const gate = join(bench.root, "gate");
  const { hook, first } = start(`(until [ -e ${gate} ]; do sleep 0.01; done; echo late) & echo $$`);
  let isOver = false;
  void hook.result.then(() => {
    isOver = true;
  });
  await gone(Number(await first));
  expect(isOver).toBe(false);
  await Bun.write(gate, "");
  const result = await hook.result;
  expect(result.code).toBe(0);
  expect(result.stdout).toEndWith("late\n");
});

test("SIGTERM goes to the whole group", async () => {
  const { hook, first } = start("bash -c 'echo ready; exec sleep 1000' & wait");
  await first;
  hook.kill(patient);
  expect(await hook.result).toMatchObject({ code: null, signal: "SIGTERM" });
});

test("a hook may end well after SIGTERM", async () => {
  const { hook, first } = start(
    "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done",
  );
  await first;
  hook.kill(patient);
  expect(await hook.result).toMatchObject({ code: 0, signal: null, stdout: "ready\nbye\n" });
});

test("SIGTERM to the process alone leaves its children", async () => {
  const { hook, first } = start(`
    trap 'touch done; wait; exit 5' TERM
    (trap 'echo child got it' TERM; echo ready; until [ -e done ]; do sleep 0.01; done; echo end) &
    wait`);
  await first;
  hook.kill(patient, true);
  expect(await hook.result).toMatchObject({ code: 5, stdout: "ready\nend\n" });
});

test("SIGKILL follows after the graceful time", async () => {
  const { hook, first } = start("trap '' TERM; echo ready; while :; do sleep 1000; done");
  await first;
  hook.kill({ graceful: 20, force: long });
  expect(await hook.result).toMatchObject({ code: null, signal: "SIGKILL", gaveUp: false });
});

test("a process outside the group that holds the pipe is given up", async () => {
  const { hook, first } = start("setsid bash -c 'echo $$; exec sleep 1000' & wait");
  const outsider = Number(await first);
  hook.kill({ graceful: 20, force: 20 });
  expect(await hook.result).toMatchObject({ code: null, gaveUp: true });
  process.kill(outsider, "SIGKILL");
});

test("an abandoned hook lives on until it writes", async () => {
  const gate = join(bench.root, "abandoned");
  const { hook, first } = start(`
    echo ready; until [ -e ${gate} ]; do sleep 0.01; done; echo more; touch ${gate}.survived`);
  await first;
  hook.abandon();
  const result = await hook.result;
  expect(result).toMatchObject({ code: null, gaveUp: true, stdout: "ready\n" });
  const pid = result.pid ?? 0;
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  await Bun.write(gate, "");
  await gone(pid);
  // SIGPIPE ended it at the first write to the closed pipe.
  expect(existsSync(`${gate}.survived`)).toBe(false);
});

test.skipIf(process.getuid?.() !== 0)("a hook runs as another user", async () => {
  const { stdout, stderr } = await startHook({
    argv: ["/bin/bash", "-c", "id -u; id -g; id -G; echo to the pipe > /dev/stderr"],
    env: { PATH: process.env["PATH"] ?? "" },
    cwd: "/",
    uid: 65534,
    gid: 65534,
  }).result;
  expect({ stdout, stderr }).toEqual({ stdout: "65534\n65534\n65534\n", stderr: "to the pipe\n" });
});

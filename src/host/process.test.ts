import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { startTime } from "./proc.ts";
import { type CommandOptions, runCommand } from "./process.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("process");
});
afterAll(() => fresh.remove());

const ENV = { PATH: "/usr/bin:/bin" };
const shell = (script: string, options: Partial<CommandOptions> = {}) =>
  runCommand(["/bin/sh", "-c", script], { env: ENV, ...options });

/** Waits until a process has ended. */
async function ended(pid: number): Promise<void> {
  while (startTime(pid) !== undefined) await Bun.sleep(10);
}

describe("a command that runs to its end", () => {
  test("tells its status and both outputs apart", async () => {
    expect(await shell("echo out; echo err >&2; exit 3")).toEqual({
      outcome: "exited",
      status: 3,
      stdout: "out\n",
      stderr: "err\n",
      description: "ended with status 3",
    });
  });

  test("has the given environment and directory, an empty stdin, and a session of its own", async () => {
    const env = { PATH: "/usr/bin:/bin", WITH: "two words\nand lines" };
    const { stdout } = await runCommand(["env", "-0"], { env });
    expect(stdout.split("\0").sort()).toEqual(["", "PATH=/usr/bin:/bin", `WITH=${env.WITH}`]);
    const script = 'pwd; cat; ps -o pid=,sid= -p $$ | { read a b; [ "$a" = "$b" ] && echo own; }';
    const run = await shell(script, { cwd: fresh.path });
    expect(run.stdout).toBe(`${fresh.path}\nown\n`);
  });

  test("by a signal is told", async () => {
    const run = await shell("kill -KILL $$");
    expect(run).toMatchObject({ outcome: "signalled", status: -1 });
    expect(run.description).toBe("was ended by SIGKILL");
  });

  test("gives all of a long output", async () => {
    const { stdout } = await shell("head -c 3000000 /dev/zero | tr '\\0' x");
    expect(stdout.length).toBe(3_000_000);
  });
});

describe("lines", () => {
  const linesOf = async (script: string) => {
    const lines: string[] = [];
    const run = await shell(script, { onLine: (line) => lines.push(line) });
    return { lines, stdout: run.stdout };
  };

  test("arrive without their ends, whether \\n, \\r\\n or the \\r of a progress meter; empty ones too", async () => {
    const { lines, stdout } = await linesOf("printf 'a\\r\\nb\\n\\n10%%\\r20%%\\rdone\\nno end'");
    expect(lines).toEqual(["a", "b", "", "10%", "20%", "done", "no end"]);
    expect(stdout).toBe("a\r\nb\n\n10%\r20%\rdone\nno end");
  });

  test("are the same when they arrive in pieces", async () => {
    const { lines } = await linesOf(
      "for piece in 'a' 'b\\r' '\\nc\\n' '\\n' 'd\\r' 'e\\r' 'f'; do printf \"$piece\"; sleep 0.05; done",
    );
    expect(lines).toEqual(["ab", "c", "", "d", "e", "f"]);
  });

  test("keep characters whole that arrive byte by byte", async () => {
    const { lines } = await linesOf(
      'for byte in 303 251 360 237 216 211 012; do printf "\\\\$byte"; sleep 0.05; done',
    );
    expect(lines).toEqual(["é🎉"]);
  });

  test("of both outputs are reported", async () => {
    const { lines } = await linesOf("echo out; echo err >&2");
    expect(lines.sort()).toEqual(["err", "out"]);
  });
});

describe("the time limit", () => {
  test("ends the whole process group, with TERM first", async () => {
    const script = "sleep 1000 & echo $!; trap 'echo asked; exit 0' TERM; wait";
    const run = await shell(script, { timeout: 300 });
    expect(run).toMatchObject({
      outcome: "timed-out",
      status: -1,
      description: "did not end within 0.3 seconds",
    });
    const [pid, asked] = run.stdout.split("\n");
    expect(asked).toBe("asked");
    await ended(Number(pid));
  });

  test("and the grace after it end a group that ignores TERM", async () => {
    const script = "trap '' TERM; sleep 1000 & echo $!; sleep 1000; sleep 1000";
    const run = await shell(script, { timeout: 200, grace: 200 });
    expect(run.outcome).toBe("timed-out");
    await ended(Number(run.stdout));
  });

  test("ends at once what a program leaves behind that does end on TERM", async () => {
    const script = "(trap '' TERM; sleep 1000; sleep 1000) & echo $!; exec sleep 1000";
    const run = await shell(script, { timeout: 200, grace: 60_000 });
    expect(run.outcome).toBe("timed-out");
    await ended(Number(run.stdout));
  });
});

describe("cancelling", () => {
  test("before the start starts nothing", async () => {
    const run = await shell(`touch ${fresh.path}/started`, { signal: AbortSignal.abort() });
    expect(run).toMatchObject({ outcome: "cancelled", stdout: "" });
    expect(existsSync(`${fresh.path}/started`)).toBe(false);
  });

  test("while it runs counts, also when the program then ends with 0", async () => {
    const controller = new AbortController();
    const run = await shell("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done", {
      signal: controller.signal,
      timeout: 50_000,
      onLine: () => controller.abort(),
    });
    expect(run).toMatchObject({ outcome: "cancelled", stdout: "ready\n" });
    expect(run.description).toBe("was cancelled");
  });

  test("after the end changes nothing", async () => {
    const controller = new AbortController();
    const run = await shell("exit 0", { signal: controller.signal });
    controller.abort();
    expect(run.outcome).toBe("exited");
  });
});

describe("a daemon that holds the pipes open", () => {
  test("does not hold the result up, and the time limit does not count any more", async () => {
    const run = await shell("sleep 1000 & echo $!; exit 0", { timeout: 700 });
    expect(run).toMatchObject({ outcome: "exited", status: 0 });
    const pid = Number(run.stdout);
    expect(startTime(pid)).toBeDefined();
    process.kill(pid, "SIGKILL");
  });
});

describe("a program that cannot be started", () => {
  const why = async (argv: readonly string[], options: Partial<CommandOptions> = {}) => {
    const run = await runCommand(argv, { env: ENV, ...options });
    expect(run).toMatchObject({ outcome: "not-started", status: -1, stdout: "", stderr: "" });
    return run.description;
  };

  test("is told why in one clause", async () => {
    writeFileSync(`${fresh.path}/plain`, "text\n");
    writeFileSync(`${fresh.path}/alien`, "\x7fELF of another machine\n", { mode: 0o755 });
    expect(await why(["/no/such/program"])).toBe("could not be started: no such program");
    expect(await why(["no-such-program"])).toBe("could not be started: no such program");
    expect(await why([`${fresh.path}/plain`])).toBe("could not be started: permission denied");
    expect(await why([`${fresh.path}/alien`])).toContain("not a program for this machine");
    expect(await why(["/bin/true"], { cwd: "/no/where" })).toBe(
      "could not be started: no such directory: /no/where",
    );
  });

  test("because of its arguments is a result too, never an exception", async () => {
    expect(await why(["/bin/true", "x".repeat(200_000)])).toContain("E2BIG");
    expect(await why(["/bin/true", "nul\0inside"])).toContain("null bytes");
    expect(await why([])).toStartWith("could not be started: ");
  });
});

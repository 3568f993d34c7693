import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import {
  type BatchJobOptions,
  batchJobRoot,
  PLACES,
  type Place,
  processesWith,
  startBatchJob,
} from "../../test/fixtures/batch-job.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";

let fresh: FreshDirectory;
let root = "";
beforeAll(() => {
  fresh = freshDirectory("batch-job");
  root = batchJobRoot(fresh.path);
});
afterAll(() => fresh.remove());

const start = (options: BatchJobOptions) => startBatchJob(root, options);

/** What a script leaves behind, each in its own way of getting out of reach. */
const FUGITIVES =
  "setsid sleep 1001 & (setsid sh -c 'sleep 1002; :' &) & (trap '' TERM; sleep 1003; sleep 1003) &";

for (const place of PLACES) {
  describe(`in ${place}`, () => {
    test("the script's own status counts, and nothing else is said", async () => {
      const statuses = [0, 1, 7, 126, 127, 255];
      const ends = statuses.map((status) => start({ place, script: `exit ${status}\n` }).end);
      const seen = (await Promise.all(ends)).map(({ code, marker, output }) => [
        code,
        marker,
        output,
      ]);
      expect(seen).toEqual(statuses.map((status) => [status, `exited ${status}`, ""]));
    });

    test("the script has its environment, no stdin and no part of the program", async () => {
      const script = `cat; printf '%s|' "$LINES" "$FROM_NODE" "\${SLURM_EXPORT_ENV-}" "$(umask)"; grep SigIgn /proc/self/status\n`;
      const env = { FROM_NODE: "yes", SLURM_EXPORT_ENV: "NONE" };
      const { end } = start({ place, script, env, umask: "0027" });
      expect(await end).toMatchObject({
        output: `a\nb='c'|yes||0027|SigIgn:\t${"0".repeat(16)}\n`,
        marker: "exited 0",
      });
    });

    test("what the script leaves behind is ended, also without an environment", async () => {
      const bare = place === "host" ? "env -i sleep 1004.25 &" : "(env -i setsid sleep 1004.25 &)";
      const { end } = start({ place, script: `${FUGITIVES}\n${bare}\nsleep 0.1\nexit 7\n` });
      expect(await end).toMatchObject({ code: 7, marker: "exited 7", left: [] });
      expect(processesWith("1004.25")).toEqual([]);
    });

    for (const to of ["program", "group", "all"] as const) {
      test(`TERM to ${to}: the script may say farewell, and it is cut`, async () => {
        const script = "trap 'echo farewell; exit 0' TERM\necho ready $$\nsleep 1000 & wait\n";
        const { send, until, end } = start({ place, script, killGrace: 20_000 });
        await until("ready");
        send("SIGTERM", to);
        const { output, ...ended } = await end;
        expect(ended).toMatchObject({ code: 143, marker: "cut 143", left: [] });
        // With its ch-run gone, a script in a SquashFS image has lost its root.
        if (place !== "squashfs" || to !== "all") expect(output).toContain("farewell");
        expect(ended.milliseconds).toBeLessThan(10_000);
      });
    }

    test("what ignores TERM is killed after the grace", async () => {
      const script = `trap '' TERM\n${FUGITIVES}\necho ready\nsleep 1000; sleep 1000\nexit 0\n`;
      const { send, until, end } = start({ place, script, killGrace: 600 });
      await until("ready");
      send("SIGTERM", "program");
      const { milliseconds, ...ended } = await end;
      expect(ended).toMatchObject({ code: 143, marker: "cut 143", left: [] });
      expect(milliseconds).toBeGreaterThan(590);
      expect(milliseconds).toBeLessThan(4500);
    });
  });
}

/** None of them ends by itself; the last ones end with 0 as soon as their root file system has vanished. */
const SCRIPTS = [
  "echo ready $$\nsleep 1000\n",
  "trap 'exit 0' TERM\necho ready $$\nwhile :; do sleep 0.01; done\n",
  "trap '' TERM\nenv -i JACAMAR_TEST_JOB=\"$JACAMAR_TEST_JOB\" setsid sleep 1000 &\necho ready $$\nuntil ! sleep 1000; do :; done\n",
  "(setsid sh -c 'sleep 1000; :' &)\necho ready $$\nwhile busybox true; do :; done 2> /dev/null\nexit 0\n",
] as const;
const CUTS = [
  ["SIGTERM", "program"],
  ["SIGTERM", "all"],
  ["SIGTERM", "group"],
  ["SIGTERM", "command"],
  ["SIGKILL", "command"],
  ["SIGUSR1", "program"],
  ["SIGKILL", "script"],
] as const;

async function cutJob(place: Place, job: number, early: boolean): Promise<string> {
  const [soft, chosen] = CUTS[job % (early ? 3 : CUTS.length)] ?? CUTS[0];
  // A ch-run that is killed while it mounts its image can leave a process that nothing can kill.
  const to = early && place === "squashfs" && chosen === "all" ? "group" : chosen;
  // Without SquashFS ch-run has become the entry program, which waits for its script after a TERM.
  const signal = to === "command" && place === "directory" ? "SIGKILL" : soft;
  // On the host nothing is known of what hid itself from a job whose shell is killed first.
  const hides = place !== "host" || !/command|script/.test(to);
  const script = SCRIPTS[hides ? Math.floor(job / 3) % SCRIPTS.length : 1] ?? "";
  const { send, until, end } = start({ place, script, killGrace: 250 });
  if (early) await Bun.sleep((job * 7) % 200);
  else {
    await until("ready");
    await Bun.sleep((job * 17) % 60);
  }
  send(signal, to);
  const { marker, left, output, ...ended } = await end;
  const isWell = left.length === 0 && ended.code !== 0 && !/^exited 0?$/.test(marker);
  const isMarked = marker !== "" || (early && ended.signal === "SIGTERM");
  if (isWell && isMarked) return "failed";
  const sent = `${signal} to ${to} in ${place}`;
  return JSON.stringify({ job, sent, script, marker, left, output, ...ended });
}

for (const [early, count] of [
  [false, 54],
  [true, 54],
] as const) {
  const when = early ? "in their first 200 ms" : "while they run";
  test(`of ${count} jobs that are cut ${when} none is green and nothing stays`, async () => {
    const ends = new Set<string>();
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const job = next++;
        ends.add(await cutJob(PLACES[job % 4 === 3 ? 2 : job % 3] ?? "host", job, early));
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    expect([...ends]).toEqual(["failed"]);
  });
}

test("a second start is noted, and the script does not run again", async () => {
  const { run, end } = start({ place: "host", script: "echo ran >> ran\nexit 3\n" });
  const { started } = await end;
  expect(started).toMatch(/^nonce\d+ 12 0 \S+\n$/);
  const second = await run().end;
  expect(second).toMatchObject({ code: 125, marker: "exited 3" });
  expect(second.started).toBe(`${started}${started}`);
});

test("a command that never reaches the script is told apart", async () => {
  const host = start({ place: "host", script: "", command: ["/bin/true"] });
  expect(await host.end).toMatchObject({ code: 125, marker: "none 125" });
  const missing = start({ place: "host", script: "", directory: "/no/such/directory" });
  expect(await missing.end).toMatchObject({ code: 125, marker: "none 125" });
  expect((await missing.end).output).toContain("/no/such/directory: No such file");
  const image = start({ place: "directory", script: "", command: ["/usr/bin/ch-run", "/none"] });
  expect(await image.end).toMatchObject({ code: 125, marker: "none 125" });
});

test("a job that this job submitted to the same node is left alone", async () => {
  const nested = (id: number) => `(SLURM_JOB_ID=${id} setsid sleep ${1000 + id}.5 &)`;
  const { end } = start({ place: "host", script: `${nested(12)}\n${nested(123)}\nsleep 0.1\n` });
  const { left } = await end;
  expect(left).toEqual(["sleep 1123.5 "]);
  mustRun(["pkill", "-x", "-f", "sleep 1123.5"]);
});

test("output and exit status are as a scheduler may need them", async () => {
  const output = `${root}/own output`;
  const { end } = start({ place: "host", script: "echo text\nexit 7\n", output, plainExit: true });
  expect(await end).toMatchObject({ code: 1, marker: "exited 7", output: "" });
  expect(readFileSync(output, "utf8")).toBe("text\n");
});

test("the program is sound, ends the search for directives at once, and no value begins a line", async () => {
  const directory = "/a\n#SBATCH --x\n#PBS 'it\\'s'";
  const { program, end } = start({ place: "host", script: "", directory, command: [directory] });
  await end;
  const path = `${root}/sound`;
  writeFileSync(path, program);
  mustRun(["bash", "-n", path]);
  mustRun(["shellcheck", "--exclude=SC2016,SC1003", path]);
  expect(program).toStartWith("#!/bin/bash -p\n:\n");
  expect(program).not.toMatch(/^\s*# ?(SBATCH|PBS|BSUB|flux:)/im);
  const shown = mustRun([
    "bash",
    "-c",
    `${/^directory=.*$/m.exec(program)?.[0]}; echo "$directory"`,
  ]);
  expect(shown).toBe(`${directory}\n`);
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { type Place, type StageResult, Stages } from "../../test/fixtures/stage.ts";

const BUILD_FAILURE = 1;
const SYSTEM_FAILURE = 2;

let fresh: FreshDirectory;
let stages: Stages;
beforeAll(() => {
  fresh = freshDirectory("supervise");
  stages = new Stages(fresh.path);
  stages.addImages();
});
afterAll(() => fresh.remove());

const results: StageResult[] = [];
const noted = (result: StageResult) => {
  results.push(result);
  return result;
};
/** Whatever happens to a stage, nothing of it stays alive. */
afterEach(() => {
  expect(results.splice(0).flatMap((result) => result.left)).toEqual([]);
});

const PLACES: readonly Place[] = ["host", "directory", "squashfs"];

/** Started in the background, each in its own way of getting out of reach. */
const FUGITIVES = "setsid sleep 1001 & (setsid sh -c 'sleep 1002; :' &) & sleep 1003 &";

for (const place of PLACES) {
  describe(`in ${place}`, () => {
    const run = async (script: string) => noted(await stages.run({ place, script }));

    for (const status of [1, 2, 42, 125, 126, 127, 255]) {
      test(`exit ${status} of the script is a build failure with that status`, async () => {
        const result = await run(`exit ${status}\n`);
        expect(result).toMatchObject({ code: BUILD_FAILURE, exitCode: `${status}\n`, output: "" });
      });
    }

    test("a script that ends well is green, with its output and nothing else", async () => {
      const result = await run("echo to stdout; echo to stderr >&2; cat; exit 0\n");
      expect(result.output.split("\n").sort()).toEqual(["", "to stderr", "to stdout"]);
      expect(result.code).toBe(0);
      expect(result.exitCode).toBeUndefined();
    });

    // On the host `$$` is the login shell, of which nobody is left then to tell the status.
    const byItself = place === "host" ? { code: SYSTEM_FAILURE } : { code: BUILD_FAILURE };
    for (const [name, script, status] of [
      ["kills itself with KILL", "kill -KILL $$\n", 137],
      ["kills itself with TERM", "kill -TERM $$\n", 143],
      ["kills its process group", "kill -TERM 0\nsleep 5\n", 143],
    ] as const) {
      test(`a script that ${name} is not green`, async () => {
        const result = await run(script);
        expect(result).toMatchObject(byItself);
        if (place !== "host") expect(result.exitCode).toBe(`${status}\n`);
        else expect(result.output).toContain("before the script's own exit status was seen");
      });
    }

    test("a script that signals what started it is not green", async () => {
      expect(await run("kill -TERM $PPID\nsleep 0.2\nexit 0\n")).toMatchObject({
        code: SYSTEM_FAILURE,
      });
    });

    test("what a script left in the background is ended, and its status counts", async () => {
      const result = await run(`${FUGITIVES}\nsleep 0.1\nexit 7\n`);
      expect(result).toMatchObject({ code: BUILD_FAILURE, exitCode: "7\n" });
      expect(result.output).toContain("background process(es) that the script left behind");
    });

    for (const to of ["supervisor", "group"] as const) {
      test(`TERM to the ${to} ends all that the stage started, at once`, async () => {
        const script = `${FUGITIVES}\necho ready\nsleep 1000\n`;
        const stage = stages.start({ place, script, killTimeout: 20_000 });
        await stage.until("ready");
        stage.send("SIGTERM", to);
        const result = noted(await stage.result);
        expect(result).toMatchObject({ code: SYSTEM_FAILURE, signal: null });
        expect(result.output).toContain("cancelled by SIGTERM");
        expect(result.milliseconds).toBeLessThan(10_000);
      });
    }

    test("a script that ends well on TERM is a system failure all the same, and may say farewell", async () => {
      const script = `trap 'echo farewell; exit 0' TERM\necho ready\nsleep 1000 & wait\n`;
      const stage = stages.start({ place, script, killTimeout: 20_000 });
      await stage.until("ready");
      for (const signal of ["SIGTERM", "SIGTERM", "SIGINT"] as const) stage.send(signal, "group");
      const result = noted(await stage.result);
      expect(result).toMatchObject({ code: SYSTEM_FAILURE, signal: null });
      expect(result.exitCode).toBeUndefined();
      expect(result.output.split("\n").filter((line) => line === "farewell")).toHaveLength(1);
      expect(result.output.match(/cancelled by/g)).toHaveLength(1);
    });

    test("a script that ignores TERM is killed when the time is over, not before and not by a second TERM", async () => {
      const script = `trap '' TERM\n${FUGITIVES}\necho ready\nsleep 1000; sleep 1000; exit 0\n`;
      const stage = stages.start({ place, script, killTimeout: 700 });
      await stage.until("ready");
      stage.send("SIGTERM", "group");
      stage.send("SIGTERM", "supervisor");
      const result = noted(await stage.result);
      expect(result).toMatchObject({ code: SYSTEM_FAILURE, signal: null });
      expect(result.milliseconds).toBeGreaterThan(690);
      expect(result.milliseconds).toBeLessThan(5000);
    });

    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      test(`${signal} to what the stage started, from outside, is never green`, async () => {
        const script = "trap 'exit 0' TERM\necho ready\nread -t 0.5 < <(sleep 3)\nexit 0\n";
        const stage = stages.start({ place, script });
        await stage.until("ready");
        stage.send(signal, "command");
        expect(noted(await stage.result)).toMatchObject({ code: SYSTEM_FAILURE, signal: null });
      });
    }

    test("a script that was stopped for a while goes on as if nothing had been", async () => {
      const script = [
        'setsid sh -c "sleep 0.5; kill -CONT $$" &',
        "kill -STOP $$",
        "echo awake",
        "exit 3",
      ].join("\n");
      const result = await run(script);
      expect(result.output).toContain("awake");
      expect(result).toMatchObject({ code: BUILD_FAILURE, exitCode: "3\n" });
    });
  });
}

describe("signals at bad moments", () => {
  test("TERM at any moment of the start: never green, nothing stays", async () => {
    const moments = Array.from({ length: 60 }, (_, index) => index);
    const codes = await Promise.all(
      moments.map(async (moment) => {
        const place = PLACES[moment % 3] ?? "host";
        await Bun.sleep(Math.floor(moment / 6) * 100);
        const stage = stages.start({ place, script: "sleep 1000\n", killTimeout: 500 });
        await Bun.sleep((moment * 7) % 90);
        stage.send("SIGTERM", moment % 2 === 0 ? "group" : "supervisor");
        const { code, signal } = noted(await stage.result);
        return code === SYSTEM_FAILURE || signal === "SIGTERM" ? "failure" : code;
      }),
    );
    expect(new Set(codes)).toEqual(new Set(["failure"]));
  });

  test("another signal than the three does not end the wait", async () => {
    const stage = stages.start({ place: "host", script: "echo ready; sleep 0.5; exit 4\n" });
    await stage.until("ready");
    for (const signal of ["SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGCONT"] as const) {
      stage.send(signal, "supervisor");
      await Bun.sleep(50);
    }
    expect(noted(await stage.result)).toMatchObject({ code: BUILD_FAILURE, exitCode: "4\n" });
  });

  test("TERM while leftovers are being ended is a system failure", async () => {
    const script = "(trap '' TERM; sleep 1000; sleep 1000) &\nexit 0\n";
    const stage = stages.start({ place: "host", script });
    await stage.until("left behind");
    stage.send("SIGTERM", "group");
    expect(noted(await stage.result)).toMatchObject({ code: SYSTEM_FAILURE });
  });
});

describe("leftovers", () => {
  test("one that ignores TERM costs about two seconds", async () => {
    const script = "(trap '' TERM; sleep 1000; sleep 1000) &\nexit 0\n";
    const result = noted(await stages.run({ place: "host", script }));
    expect(result.code).toBe(0);
    expect(result.milliseconds).toBeLessThan(4000);
  });

  test("one that only has to write its last words may do so", async () => {
    const script = "exec > >(sleep 0.05; cat)\necho last words\nexit 0\n";
    const result = noted(await stages.run({ place: "host", script }));
    expect(result).toMatchObject({ code: 0, output: "last words\n" });
  });

  test("one that forks all the time is caught", async () => {
    writeFileSync(`${fresh.path}/restless.pl`, RESTLESS);
    const script = `perl ${fresh.path}/restless.pl &\nsleep 0.2\nexit 5\n`;
    const result = noted(await stages.run({ place: "host", script }));
    expect(result).toMatchObject({ code: BUILD_FAILURE, exitCode: "5\n" });
  });
});

/** Each process starts the next one and ends; stops by itself after 20 seconds. */
const RESTLESS = `
$SIG{TERM} = 'IGNORE';
my $end = time + 20;
while (time < $end) { fork and exit; select(undef, undef, undef, 0.001) }
`;

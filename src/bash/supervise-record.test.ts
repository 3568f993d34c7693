import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun } from "../../test/fixtures/must-run.ts";
import { Stages } from "../../test/fixtures/stage.ts";

const BUILD_FAILURE = 1;
const SYSTEM_FAILURE = 2;

let fresh: FreshDirectory;
let stages: Stages;
beforeAll(() => {
  fresh = freshDirectory("record");
  stages = new Stages(fresh.path);
});
afterAll(() => fresh.remove());

let files = 0;
/** A stage that only writes `text` to its record and ends with `status`. */
function writes(text: string, kind: "host" | "container", status: number) {
  const source = `${fresh.path}/text-${files++}`;
  writeFileSync(source, text);
  return stages.run({
    place: kind === "host" ? "host" : "directory",
    script: "",
    record: `${source}.record`,
    command: ["/bin/sh", "-c", `cat "${source}" > "${source}.record"; exit ${status}`],
  });
}

describe("what counts is the record's last line, and only in full", () => {
  for (const [text, code, exitCode] of [
    ["v1 started\nv1 ended 0 0\n", 0, undefined],
    ["v1 ended 0 0\n", 0, undefined],
    ["v1 started\nv1 ended 137 0\n", BUILD_FAILURE, "137\n"],
    ["v1 ended 0 0\nv1 ended 3 0\n", BUILD_FAILURE, "3\n"],
    ["v1 ended 255 0\n", BUILD_FAILURE, "255\n"],
    ["v1 ended 256 0\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 999 0\n", SYSTEM_FAILURE, undefined],
    ["", SYSTEM_FAILURE, undefined],
    ["v1 started\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 0 0\nv1 started\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 0 1\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 1 1\n", SYSTEM_FAILURE, undefined],
    ["v1 started\nv1 ended 0 0", SYSTEM_FAILURE, undefined],
    ["v1 started\nv1 ended 0 \n", SYSTEM_FAILURE, undefined],
    ["v1 startedv1 ended 0 0\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 00 0\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 08 0\n", SYSTEM_FAILURE, undefined],
    ["v1 ended -1 0\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 18446744073709551616 0\n", SYSTEM_FAILURE, undefined],
    ["v1 ended status 0\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 0 0 0\n", SYSTEM_FAILURE, undefined],
    ["v2 ended 0 0\n", SYSTEM_FAILURE, undefined],
    ["v1 ended 0 0\n\n", SYSTEM_FAILURE, undefined],
    ["\0\0\xff\n$(touch /)\n*\n", SYSTEM_FAILURE, undefined],
  ] as const) {
    test(`${JSON.stringify(text)} means ${code}`, async () => {
      const result = await writes(text, "host", 0);
      expect(result.code).toBe(code);
      expect(result.exitCode).toBe(exitCode);
    });
  }

  for (const [recorded, status] of [
    [0, 1],
    [0, 143],
    [1, 0],
    [9, 137],
  ] as const) {
    test(`a record of ${recorded} does not count when ch-run ended with ${status}`, async () => {
      const result = await writes(`v1 ended ${recorded} 0\n`, "container", status);
      expect(result).toMatchObject({ code: SYSTEM_FAILURE });
      expect(result.output).toContain("cut short");
    });
  }

  test("a login shell's own status does not matter once the script's is recorded", async () => {
    expect(await writes("v1 ended 0 0\n", "host", 9)).toMatchObject({ code: 0 });
  });
});

describe("scripts that meddle with their record", () => {
  const meddle = (change: (record: string) => string) => {
    const record = `${fresh.path}/meddle-${files++}`;
    return stages.run({ place: "host", record, script: `${change(record)}\nexit 0\n` });
  };

  test("deleted: the status is recorded anew", async () => {
    expect(await meddle((record) => `rm ${record}`)).toMatchObject({ code: 0 });
  });

  test("garbage without an end: nothing is believed", async () => {
    const result = await meddle((record) => `printf garbage >> ${record}`);
    expect(result).toMatchObject({ code: SYSTEM_FAILURE });
  });

  test("a directory in its place: nothing is believed", async () => {
    const result = await meddle((record) => `rm ${record}; mkdir ${record}`);
    expect(result).toMatchObject({ code: SYSTEM_FAILURE });
    expect(result.output).toContain("cannot be read from");
  });

  test("a pipe in its place does not hold the supervisor up", async () => {
    const change = (record: string) => `rm ${record}; mkfifo ${record}; (cat ${record} &)`;
    expect(await meddle(change)).toMatchObject({ code: SYSTEM_FAILURE });
  });

  test("what is written after the shell has ended does not count", async () => {
    const forge = (record: string) =>
      `(trap '' TERM; sleep 0.1; echo 'v1 ended 0 0' >> ${record}) & kill -KILL $$; sleep 1`;
    expect(await meddle(forge)).toMatchObject({ code: SYSTEM_FAILURE });
  });
});

describe("files that cannot be written", () => {
  test("a record on a full disk is a system failure that says so", async () => {
    const result = await stages.run({ place: "host", script: "exit 0\n", record: "/dev/full" });
    expect(result).toMatchObject({ code: SYSTEM_FAILURE });
    expect(result.output).toContain("is the disk full?");
  });

  test("no file for the exit code: a failed script is a build failure", async () => {
    const result = await stages.run({ place: "host", script: "exit 6\n", exitCodeFile: "" });
    expect(result).toMatchObject({ code: BUILD_FAILURE, output: "" });
  });

  test("an exit-code file in a directory that is not there: a build failure, without noise", async () => {
    const exitCodeFile = `${fresh.path}/nowhere/code`;
    const result = await stages.run({ place: "host", script: "exit 6\n", exitCodeFile });
    expect(result).toMatchObject({ code: BUILD_FAILURE, output: "" });
  });

  test("an exit-code file on a full disk is removed, for an empty one is a system failure to the runner", async () => {
    const disk = `${fresh.path}/disk`;
    mkdirSync(disk);
    const run = () =>
      stages.run({ place: "host", script: "exit 6\n", exitCodeFile: `${disk}/code` });
    if (process.getuid?.() !== 0) {
      expect(await run()).toMatchObject({ code: BUILD_FAILURE, exitCode: "6\n" });
      return;
    }
    mustRun(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]);
    try {
      mustRun(["sh", "-c", `cat /dev/zero > ${disk}/fill 2> /dev/null || true`]);
      const result = await run();
      expect(result).toMatchObject({ code: BUILD_FAILURE });
      expect(result.exitCode).toBeUndefined();
    } finally {
      mustRun(["umount", disk]);
    }
  });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ContainerTests, containerJob, startContainerTests } from "./container-site.ts";
import { makeSite, type Site } from "./site.ts";

let tests: ContainerTests;
let site: Site;
beforeAll(async () => {
  tests = await startContainerTests();
  site = makeSite();
});
afterAll(async () => {
  site.close();
  await tests.close();
});

const hello = { id: 100, name: "hello", script: ["echo hello", "exit 3"] };
const SECTION =
  /section_start:(\d+):jacamar_summary\[collapsed=true\]\r\x1b\[0K([\s\S]*?)section_end:(\d+):jacamar_summary\r\x1b\[0K\n/g;

/** The lines of each summary in a job log. */
function summaries(log: string): readonly (readonly string[])[] {
  return [...log.matchAll(SECTION)].map((found) => {
    const now = Date.now() / 1000;
    expect(Number(found[1])).toBeGreaterThan(now - 100);
    expect(Number(found[3])).toBeLessThanOrEqual(now);
    return (found[2] ?? "").trimEnd().split("\n");
  });
}

describe("the summary of a job", () => {
  test("stands once, right after the script on the host, in a folded section", async () => {
    const { log } = await site.runner().run({ ...hello, afterScript: ["echo after"] });
    expect(summaries(log)).toEqual([
      [
        expect.stringMatching(/^Job summary: exit status 3 after \d+\.\d s$/),
        "  Image:        none, the script runs on the host",
        expect.stringMatching(/^ {2}Node: {9}\S+$/),
        expect.stringMatching(/^ {2}Run: {10}\d+\.\d s$/),
        "  End:          exit status 3",
      ],
    ]);
    expect(log).toMatch(/\nhello\n[\s\S]*section_start[\s\S]*section_end[\s\S]*\nafter\n/);
  });

  test("tells of the image, and whether it was there", async () => {
    const here = tests.site();
    const shown = [];
    for (const _ of ["miss", "hit"]) {
      const { log } = await here.runner().run(containerJob(tests.images.tiny));
      shown.push(...summaries(log));
    }
    const lines = (cache: RegExp) => [
      expect.stringMatching(/^Job summary: exit status 0 after \d+\.\d s$/),
      `  Image:        ${tests.images.tiny}`,
      expect.stringMatching(/^ {2}Digest: {7}sha256:[0-9a-f]{64}$/),
      expect.stringMatching(/^ {2}Size: {9}\d+\.\d MB$/),
      expect.stringMatching(cache),
      expect.stringMatching(/^ {2}Node: {9}\S+$/),
      expect.stringMatching(/^ {2}Run: {10}\d+\.\d s$/),
      "  End:          exit status 0",
    ];
    expect(shown).toEqual([
      lines(/^ {2}Cache: {8}miss, ready in \d+\.\d s \(pull \d+\.\d s, flatten \d+\.\d s\)$/),
      lines(/^ {2}Cache: {8}hit, ready in \d+\.\d s$/),
    ]);
  });

  test("says why a script did not end by itself", async () => {
    const { log } = await site.runner().run({ ...hello, script: ["kill -9 $$"] });
    const end = "the job's shell ended (status 137) before the script's own exit status was seen";
    expect(summaries(log)[0]?.at(-1)).toBe(`  End:          ${end}`);
  });

  test("comes when a job is cancelled, too", async () => {
    const cancel = { stage: "build_script", onText: "\nready\n" } as const;
    const script = ["echo ready", "sleep 100"];
    const { log } = await site.runner().run({ ...hello, script }, { cancelDuring: cancel });
    expect(log).toContain("Job summary: cancelled by SIGTERM: ending everything");
  });

  test("is made of plain lines where the runner tells of no sections", async () => {
    const { log } = await site.runner({ version: "14.0" }).run(hello);
    expect(log).not.toContain("section_");
    expect(log).toMatch(/^Job summary: exit status 3 after \d+\.\d s\n {2}Image: /m);
  });

  test("is left out with job_summary = false, and of a job that never got so far", async () => {
    const quiet = makeSite({ general: ["job_summary = false"] });
    const { log, exitCode } = await quiet.runner().run(hello);
    expect(exitCode).toBe(3);
    expect(log).not.toContain("ummary");
    quiet.close();
    const missing = await tests
      .site()
      .runner()
      .run(containerJob(`${tests.images.tiny}-missing`));
    expect(missing.status).toBe("failed");
    expect(missing.log).not.toContain("ummary");
  });
});

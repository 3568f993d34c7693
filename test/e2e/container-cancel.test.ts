import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { newerChRun } from "../fixtures/ch-run.ts";
import { tinyRoot } from "../fixtures/images.ts";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { processesWith, supervisorsOf } from "./processes.ts";
import { makeSite } from "./site.ts";

let dir = "";
let registry: Registry;
let image = "";
beforeAll(async () => {
  dir = mkdtempSync("/var/tmp/jacamar-cut-");
  registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
  image = registry.push("ci/tiny", tinyRoot(`${dir}/root`));
});
afterAll(async () => {
  await registry.stop();
  rmSync(dir, { recursive: true });
});

const SLEEP = 48_212;
const stubborn = [
  "trap '' TERM",
  `setsid sleep ${SLEEP} &`,
  `(setsid sh -c 'trap "" TERM; sleep ${SLEEP}; sleep ${SLEEP}' &)`,
  "echo ready",
  `sleep ${SLEEP}; sleep ${SLEEP}; echo sur''vived`,
];
const polite = [
  `setsid sleep ${SLEEP} &`,
  "trap 'exit 0' TERM",
  "echo ready",
  `sleep ${SLEEP} & wait`,
];

for (const suite of ["installed", "trixie"] as const) {
  for (const [name, script] of [
    ["polite", polite],
    ["stubborn", stubborn],
  ] as const) {
    test(`cancel of a ${name} script in an image, ${suite} ch-run: all ends, after_script runs in the image`, async () => {
      const newer =
        suite === "installed" ? undefined : newerChRun(`${dir}/${suite}-${name}`, suite);
      const site = makeSite({
        general: [
          'kill_timeout = "1s"',
          `user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`,
        ],
        charliecloud: newer ? [`application_path = "${newer.path}"`] : [],
      });
      const result = await site.runner().run(
        {
          id: 1,
          name: "cut",
          image: { name: image },
          script,
          afterScript: ["echo after=$CH_RUNNING."],
        },
        { cancelDuring: { stage: "build_script", onText: "ready\n" } },
      );
      expect(result.status).toBe("canceled");
      expect(result.hooks.find((hook) => hook.stage === "build_script")?.code).toBe(2);
      expect(result.log).toMatch(/^after=.+\.$/m);
      expect(result.log).not.toContain("survived");
      expect(processesWith(`sleep ${SLEEP}`)).toEqual([]);
      expect(readdirSync(`${site.dataDir}/scripts/widget_31`)).toEqual([]);
      site.close();
    });
  }
}

test("cleanup ends a container whose supervisor was killed", async () => {
  const site = makeSite({
    general: [`user_bash_env = ["REQUESTS_CA_BUNDLE=${registry.caFile}"]`],
    charliecloud: [],
  });
  let killed = false;
  // The orphaned container holds the hook's output open, so the runner goes on only when the job's time is over.
  const result = await site.runner({ gracefulKill: 100, forceKill: 100 }).run(
    { id: 2, name: "orphan", image: { name: image }, script: ["echo ready", `sleep ${SLEEP}`] },
    {
      timeoutAfter: 5000,
      onOutput: (text) => {
        if (killed || !text.includes("ready\n")) return;
        killed = true;
        for (const pid of supervisorsOf(site.dir, "container")) process.kill(pid, "SIGKILL");
      },
    },
  );
  expect(killed).toBe(true);
  expect(result.failureReason).toBe("job_execution_timeout");
  expect(processesWith(`sleep ${SLEEP}`)).toEqual([]);
  site.close();
});

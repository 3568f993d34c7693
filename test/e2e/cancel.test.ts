import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { processesWith, supervisorsOf, until } from "./processes.ts";
import { makeSite, type Site } from "./site.ts";

let site: Site;
beforeAll(() => {
  site = makeSite({ general: ['kill_timeout = "2s"'] });
});
afterAll(() => site.close());

/** A duration that no other process sleeps for, so that leftovers can be told. */
const SLEEP = 48_211;
afterEach(() => {
  expect(processesWith(`sleep ${SLEEP}`)).toEqual([]);
  expect(readdirSync(`${site.dataDir}/claims/widget_31`)).toEqual([]);
});

const stubborn = {
  id: 1,
  name: "stubborn",
  script: [
    "trap '' TERM",
    `setsid sleep ${SLEEP} &`,
    `(setsid bash -c 'trap "" TERM; sleep ${SLEEP}; sleep ${SLEEP}' &)`,
    "echo ready",
    `sleep ${SLEEP}; sleep ${SLEEP}; echo sur''vived`,
  ],
  afterScript: ["echo after=$CI_JOB_STATUS", "pwd"],
};
const polite = {
  ...stubborn,
  script: [`setsid sleep ${SLEEP} &`, "echo ready", `sleep ${SLEEP}`],
};
const atReady = { stage: "build_script", onText: "ready" };

for (const [name, job] of [
  ["polite", polite],
  ["stubborn", stubborn],
] as const) {
  for (const termOnlyPid of [false, true]) {
    test(`cancel of a ${name} script, signal to the ${termOnlyPid ? "hook alone" : "group"}: all ends, after_script runs`, async () => {
      const result = await site.runner().run(job, { cancelDuring: atReady, termOnlyPid });
      expect(result.status).toBe("canceled");
      expect(result.log).toContain("after=canceled");
      expect(result.log).not.toContain("survived");
      const stage = result.hooks.find((hook) => hook.stage === "build_script");
      expect(stage?.code).toBe(2);
      expect(stage?.signal).toBeNull();
    });
  }
}

test("an abort during the script leaves no process, no claim and no script", async () => {
  const result = await site.runner().run(stubborn, { abortDuring: atReady });
  expect(result.status).toBe("canceled");
  expect(result.hooks.map((hook) => hook.stage).slice(-1)).toEqual(["cleanup"]);
  expect(readdirSync(`${site.dataDir}/scripts/widget_31`)).toEqual([]);
});

test("cleanup ends a stage that still runs, beside its hook", async () => {
  // The runner waits for the stage no longer than buildFinishWait, then calls cleanup beside it.
  const runner = site.runner({ buildFinishWait: 10, gracefulKill: 60_000 });
  const result = await runner.run(stubborn, { abortDuring: atReady });
  expect(result.status).toBe("canceled");
  await until(() => processesWith(`sleep ${SLEEP}`).length === 0, "the stage has ended");
});

test("what a dead runner's killed hook left is ended by the cleanup of a later job", async () => {
  const dying = makeSite({ general: ['kill_timeout = "1s"'] });
  const program = `
    import { makeSite, driverCommands } from "${import.meta.dir}/site.ts";
    import { Runner } from "${import.meta.dir}/../../src/runner/runner.ts";
    const runner = new Runner({
      driver: driverCommands(${JSON.stringify(dying.configuration)}, ["--no-auth"]),
      env: { PATH: ${JSON.stringify(dying.path)}, HOME: ${JSON.stringify(dying.home)} },
      tmpRoot: "${dying.dir}/tmp", store: "${dying.dir}/store",
    });
    await runner.run(${JSON.stringify(polite)}, { onOutput: (text) => {
      if (text.includes("ready")) { console.log("ready"); }
    } });`;
  const doomed = Bun.spawn([process.execPath, "-e", program], {
    stdout: "pipe",
    stderr: "inherit",
  });
  for await (const chunk of doomed.stdout)
    if (new TextDecoder().decode(chunk).includes("ready")) break;
  doomed.kill("SIGKILL");
  await doomed.exited;
  // The hook itself is killed as well, as when a service manager ends a whole unit but misses what called setsid.
  for (const pid of supervisorsOf(dying.dir, "host")) process.kill(pid, "SIGKILL");
  expect(processesWith(`sleep ${SLEEP}`).length).toBeGreaterThan(0);
  expect(readdirSync(`${dying.dataDir}/claims/widget_31`)).toEqual(["000"]);
  const later = await dying.runner().run({ id: 2, name: "later", script: ["echo fine"] });
  expect([later.status, later.buildsDir]).toEqual([
    "success",
    `${dying.dataDir}/builds/widget_31/001`,
  ]);
  await until(() => processesWith(`sleep ${SLEEP}`).length === 0, "leftovers have ended");
  expect(readdirSync(`${dying.dataDir}/claims/widget_31`)).toEqual([]);
  expect(readdirSync(`${dying.dataDir}/scripts/widget_31`)).toEqual([]);
  dying.close();
});

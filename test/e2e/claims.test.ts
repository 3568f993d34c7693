import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { driverCommands, makeSite, type Site } from "./site.ts";

let site: Site;
beforeAll(() => {
  site = makeSite();
});
afterAll(() => site.close());

test("two runners that both use concurrent id 0 on one data_dir never share a build directory", async () => {
  const script = ["pwd", "test ! -e mine", "touch mine", "sleep 0.5", "ls", "rm mine"];
  const jobs = Array.from({ length: 6 }, (_, i) =>
    site.runner({ concurrentId: 0 }).run({ id: 10 + i, name: `job ${i}`, script }),
  );
  const results = await Promise.all(jobs);
  expect(results.map((result) => result.status)).toEqual(Array(6).fill("success"));
  expect(new Set(results.map((result) => result.buildsDir)).size).toBe(6);
  expect(readdirSync(`${site.dataDir}/claims/widget_31`)).toEqual([]);
});

test("a slot starts at the runner's concurrent id and is given back", async () => {
  for (let round = 0; round < 2; round++) {
    const result = await site
      .runner({ concurrentId: 7 })
      .run({ id: 20 + round, name: "x", script: ["true"] });
    expect(result.buildsDir).toBe(`${site.dataDir}/builds/widget_31/007`);
  }
});

test("a claim of another host counts until it expires; then a cleanup removes what its job left", async () => {
  const claims = `${site.dataDir}/claims/widget_31`;
  const scripts = `${site.dataDir}/scripts/widget_31/000`;
  const builds = `${site.dataDir}/builds/widget_31/000`;
  const claim = (expires: number) => ({
    version: 1,
    token: "feed",
    job: "9",
    holder: { host: "elsewhere", boot: "b", pid: 1, start: "1" },
    expires,
    notes: { scripts, builds, host: "elsewhere" },
  });
  mkdirSync(`${claims}/000`);
  mkdirSync(scripts, { recursive: true });
  mkdirSync(`${builds}/acme/widget.tmp`, { recursive: true });
  writeFileSync(`${scripts}/build_script.bash`, "secret");
  writeFileSync(`${builds}/acme/widget.tmp/KUBECONFIG`, "secret");
  writeFileSync(`${claims}/000/feed.json`, JSON.stringify(claim(Date.now() + 60_000)));
  const first = await site.runner().run({ id: 30, name: "x", script: ["true"] });
  expect(first.buildsDir).toBe(`${site.dataDir}/builds/widget_31/001`);
  expect(existsSync(`${scripts}/build_script.bash`)).toBe(true);
  writeFileSync(`${claims}/000/feed.json`, JSON.stringify(claim(Date.now() - 1)));
  await site.runner().run({ id: 31, name: "x", script: ["true"] });
  expect(existsSync(scripts)).toBe(false);
  expect(existsSync(`${builds}/acme/widget.tmp`)).toBe(false);
  expect(readdirSync(claims)).toEqual([]);
});

test("a claim that cannot be read, or is of a newer version, is left alone", async () => {
  const claims = `${site.dataDir}/claims/widget_31`;
  mkdirSync(`${claims}/000`, { recursive: true });
  writeFileSync(`${claims}/000/aaaa.json`, '{"version":2,"expires":0');
  const result = await site.runner().run({ id: 40, name: "x", script: ["true"] });
  expect(result.buildsDir).toBe(`${site.dataDir}/builds/widget_31/001`);
  expect(readFileSync(`${claims}/000/aaaa.json`, "utf8")).toContain("version");
});

test("each attempt of a retried job claims anew and gives back", async () => {
  const retried = makeSite({ charliecloud: ['prep_script = "echo trying; false"'] });
  const result = await retried.runner().run({ id: 50, name: "x", script: ["true"] });
  expect([result.failureReason, result.attempts]).toEqual(["runner_system_failure", 3]);
  expect(result.log).toContain("trying");
  expect(result.log).toContain("preparation script ended with status 1");
  expect(readdirSync(`${retried.dataDir}/claims/widget_31`)).toEqual([]);
  retried.close();
});

test("a claim is held by the runner, not by a program that wraps the hook and ends with it", async () => {
  const wrapped = makeSite();
  const driver = driverCommands(wrapped.configuration, ["--no-auth"]);
  const timeout = ["/usr/bin/timeout", "60"];
  let held: string[] = [];
  const runner = wrapped.runner({ driver: { ...driver, config: [...timeout, ...driver.config] } });
  const other = wrapped.runner({ driver: { ...driver, config: [...timeout, ...driver.config] } });
  const result = await runner.run(
    { id: 60, name: "x", script: ["true"] },
    {
      beforeStage: async (stage) => {
        if (stage !== "build_script") return;
        // Its cleanup looks for claims of the dead.
        await other.run({ id: 61, name: "y", script: ["true"] });
        held = readdirSync(`${wrapped.dataDir}/claims/widget_31`);
      },
    },
  );
  expect([result.status, held]).toEqual(["success", ["000"]]);
  wrapped.close();
});

test("cleanup may come again, any number of times, and when config failed", async () => {
  let again: (number | null)[] = [];
  const result = await site.runner().run(
    { id: 70, name: "x", script: ["true"] },
    {
      afterHook: (run, { temporaryDirectory }) => {
        if (run.hook !== "cleanup") return;
        const env = {
          HOME: site.home,
          TMPDIR: temporaryDirectory,
          JACAMAR_CI_STATE: `${temporaryDirectory}/jacamar-state.json`,
        };
        again = [1, 2].map(() => Bun.spawnSync([...run.argv], { env }).exitCode);
      },
    },
  );
  expect([result.status, again]).toEqual(["success", [0, 0]]);
  site.configure({ general: ['exectuor = "x"'] });
  const failed = await site.runner().run({ id: 71, name: "x", script: ["true"] });
  site.configure({});
  const cleanups = failed.hooks.filter((hook) => hook.hook === "cleanup");
  expect(cleanups.map((hook) => hook.code)).toEqual([0, 0, 0]);
});

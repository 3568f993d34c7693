import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { type ContainerTests, containerJob, startContainerTests } from "./container-site.ts";
import type { Site } from "./site.ts";

// Images that run by name from Charliecloud's own storage, as without an image cache.

let tests: ContainerTests;
beforeAll(async () => {
  tests = await startContainerTests();
});
afterAll(() => tests.close());

function site(): Site {
  return tests.site({ more: ["[general.charliecloud.cache]", "enabled = false"] });
}

function storageOf(here: Site): string {
  return `${here.images}/${readdirSync(here.images).find((name) => name.endsWith(".ch"))}`;
}

function ifNotPresent() {
  return {
    ...containerJob(tests.images.tiny),
    image: { name: tests.images.tiny, pullPolicy: ["if-not-present"] },
  } as never;
}

test("ch-image pulls, ch-run finds the image by name, and the lease is given back", async () => {
  const here = site();
  const first = await here.runner().run(ifNotPresent());
  expect([first.status, first.log.includes("pulling image")]).toEqual(["success", true]);
  expect(first.log).toContain(`--storage=${storageOf(here)}`);
  expect(readdirSync(`${storageOf(here)}.jacamar/in-use`)).toEqual([]);
  const second = await here.runner().run(ifNotPresent());
  expect([second.status, second.log.includes("pulling image")]).toEqual(["success", false]);
  expect(readdirSync(here.images).some((name) => name.endsWith(".images"))).toBe(false);
});

test("a half-pulled image is pulled again, never used", async () => {
  const here = site();
  await here.runner().run(ifNotPresent());
  const storage = storageOf(here);
  const image = `${storage}/img/${readdirSync(`${storage}/img`)[0]}`;
  rmSync(`${image}/ch/metadata.json`);
  rmSync(`${image}/etc/os-release`);
  const result = await here.runner().run(ifNotPresent());
  expect(result.status).toBe("success");
  expect(result.log).toContain("pulling image");
});

test("eight cold jobs at once of one user with one image all pass", async () => {
  const here = site();
  const jobs = Array.from({ length: 8 }, (_, i) =>
    here.runner({ concurrentId: i }).run({ ...containerJob(tests.images.tiny), id: 600 + i }),
  );
  const results = await Promise.all(jobs);
  expect(results.map((result) => [result.status, result.attempts])).toEqual(
    Array(8).fill(["success", 1]),
  );
  expect(
    results.some((result) =>
      /Waiting for the image storage .* in use by job 60\d on /.test(result.log),
    ),
  ).toBe(true);
});

test("an image that goes away under the job is a system failure, not the script's exit 1", async () => {
  const here = site();
  const result = await here.runner().run(containerJob(tests.images.tiny), {
    beforeStage: (stage) => {
      if (stage === "build_script") rmSync(`${storageOf(here)}/img`, { recursive: true });
    },
  });
  expect([result.failureReason, result.exitCode]).toEqual(["runner_system_failure", undefined]);
  expect(result.log).toContain("ch-run could not start the script");
});

test("a pull that is cancelled ends ch-image and leaves a storage that works", async () => {
  const here = site();
  const cut = await here.runner().run(containerJob(tests.images.tiny), {
    cancelDuring: { stage: "prepare", onText: "pulling image" },
  });
  expect(cut.status).toBe("canceled");
  expect(cut.hooks.find((hook) => hook.hook === "prepare")?.code).toBe(2);
  const next = await here.runner().run(containerJob(tests.images.tiny));
  expect(next.status).toBe("success");
});

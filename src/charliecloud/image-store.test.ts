import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { withLock } from "../host/lock.ts";
import type { MountPoint } from "./image-store.ts";
import { ADMIN, claim, makeStore, NAME, type StoreFixture, USER } from "./image-store-fixture.ts";
import { isComplete } from "./storage.ts";

let at: StoreFixture;
beforeEach(() => {
  at = makeStore();
});
afterEach(() => at.close());

test("always pulls each time, if-not-present only what is not there", async () => {
  const first = claim();
  const image = await at.acquire(["if-not-present"], { claim: first });
  expect(image.name).toBe(NAME);
  await at.release(image, first.token);
  const second = claim();
  await at.release(await at.acquire(["if-not-present"], { claim: second }), second.token);
  expect(at.calls()).toEqual([`pull ${NAME}`]);
  await at.acquire(["always"]);
  expect(at.calls()).toEqual([`pull ${NAME}`, `pull ${NAME}`]);
});

test("never uses what is there, and is refused where nothing is, as the fault of who asked", async () => {
  const refused = await at.store().acquire(at.request(["never"]));
  expect(refused).toMatchObject({
    ok: false,
    refusal: { fault: "user", from: "image: pull_policy" },
  });
  const from = "[general.charliecloud] runner_pull_policy";
  const policies = [{ choice: "never", from }] as const;
  expect(await at.store().acquire(at.request([], { origin: ADMIN, policies }))).toMatchObject({
    ok: false,
    refusal: { fault: "admin", from, message: expect.stringContaining(`"never" (${from})`) },
  });
  expect(at.calls()).toEqual([]);
  await at.acquire(["always"]);
  expect((await at.acquire(["never"])).name).toBe(NAME);
  expect(at.calls()).toHaveLength(1);
});

test("policies are tried in order; the failure of a pull is what counts in the end", async () => {
  at.steer("fail", "error: GET failed: HTTPSConnectionPool(host='r.example')\n");
  const failed = await at.store().acquire(at.request(["always", "never"]));
  expect(failed).toMatchObject({ ok: false, refusal: { fault: "system", from: "registry" } });
  expect(
    at.lines.some((line) => /^warn: cannot pull .*; trying pull policy "never"/.test(line)),
  ).toBe(true);
  at.unsteer("fail");
  expect((await at.acquire(["never", "always"])).name).toBe(NAME);
  at.steer("fail", "error: unauthorized or not in registry: x\n");
  expect((await at.acquire(["always", "if-not-present"])).name).toBe(NAME);
});

test("a pull that is denied is the fault of who chose the image, and says what to do", async () => {
  at.steer("fail", "error: unauthorized or not in registry: x\n");
  const cases = [
    [{}, "user", /without an account: set the CI\/CD variables CH_IMAGE_USERNAME and/],
    [
      { anonymous: false },
      "user",
      /this account may not pull it: set or correct the CI\/CD variables/,
    ],
    [{ origin: ADMIN }, "admin", /runner_image.*must be open to every job/],
  ] as const;
  for (const [change, fault, message] of cases) {
    expect(await at.store().acquire(at.request(["always"], change))).toMatchObject({
      ok: false,
      refusal: { fault, message: expect.stringMatching(message) },
    });
  }
});

test("a busy storage is waited for, with one line and without ch-image's error", async () => {
  at.steer(
    "fail-once",
    "error: storage directory is already in use\nhint: concurrent instances of ch-image cannot share the same storage directory\n",
  );
  expect((await at.acquire(["always"])).name).toBe(NAME);
  expect(at.calls()).toHaveLength(2);
  expect(at.lines).toEqual([
    `log: Waiting for ch-image, which works on ${at.storage}`,
    `log: pulling image: ${NAME}`,
  ]);
});

test("an image in pieces is pulled again: one without its last file, one whose pull was cut off", async () => {
  mkdirSync(`${at.storage}/img/r.example%group%app+1/usr`, { recursive: true });
  writeFileSync(`${at.storage}/version`, "5\n");
  const first = claim();
  await at.release(await at.acquire(["if-not-present"], { claim: first }), first.token);
  expect(at.calls()).toHaveLength(1);
  // ch-image takes an old image away file by file: what tells a whole one may be left of it.
  at.steer("fail", "");
  at.steer("late");
  expect(await at.store().acquire(at.request(["always"]))).toMatchObject({ ok: false });
  expect(isComplete(at.storage, NAME)).toBe(true);
  expect(await at.store().acquire(at.request(["never"]))).toMatchObject({ ok: false });
  at.unsteer("late");
  at.unsteer("fail");
  await at.acquire(["if-not-present"]);
  expect(at.calls()).toHaveLength(3);
  expect((await at.acquire(["never"])).name).toBe(NAME);
});

test("a registry that says no does not spoil the image that is there", async () => {
  const first = claim();
  await at.release(await at.acquire(["always"], { claim: first }), first.token);
  for (const said of [
    "error: unauthorized or not in registry: x",
    "error: GET failed: timed out",
  ]) {
    at.steer("fail", `${said}\n`);
    expect(await at.store().acquire(at.request(["always"]))).toMatchObject({ ok: false });
  }
  expect((await at.acquire(["never"])).name).toBe(NAME);
});

test("a cancelled pull ends ch-image, tries no other policy, and leaves an image in pieces", async () => {
  const before = claim();
  await at.release(await at.acquire(["always"], { claim: before }), before.token);
  at.steer("slow");
  const controller = new AbortController();
  const going = at.store(controller.signal).acquire(at.request(["always", "if-not-present"]));
  while (at.calls().length < 2 || !at.lines.includes(`log: pulling image: ${NAME}`))
    await Bun.sleep(10);
  controller.abort(new Error("cancelled by SIGTERM"));
  expect(await going).toMatchObject({ ok: false, refusal: { fault: "system", from: "signal" } });
  at.unsteer("slow");
  expect(await at.store().acquire(at.request(["never"]))).toMatchObject({ ok: false });
  expect((await at.acquire(["if-not-present"])).name).toBe(NAME);
});

test("a job that is cancelled while it waits for the storage stops waiting", async () => {
  await at.acquire(["always"]);
  const controller = new AbortController();
  const lock = { holder: "job 2", onWait: () => {}, signal: new AbortController().signal };
  await withLock(`${at.storage}.jacamar/lock`, lock, async () => {
    const waiting = at.store(controller.signal).acquire(at.request(["always"]));
    while (!at.lines.some((line) => line.includes("in use by job 2"))) await Bun.sleep(10);
    controller.abort(new Error("cancelled by SIGTERM"));
    await expect(waiting).rejects.toThrow("cancelled by SIGTERM");
  });
});

test("without ch-image an image that is there can still be used", async () => {
  await at.acquire(["always"]);
  expect((await at.acquire(["if-not-present"], { chImage: undefined })).name).toBe(NAME);
  await expect(at.store().acquire(at.request(["always"], { chImage: undefined }))).rejects.toThrow(
    "ch-image was not found; set [general.charliecloud] application_path",
  );
  expect((await at.acquire(["never"])).name).toBe(NAME);
});

test("a pull that says it succeeded and left no whole image is a system failure", async () => {
  writeFileSync(`${at.dir}/ch-image`, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  await expect(at.store().acquire(at.request(["always"]))).rejects.toThrow(
    "is not a complete image",
  );
});

test("mount points are made in the image before it is used", async () => {
  const point = (target: string, change: Partial<MountPoint> = {}): MountPoint => ({
    source: at.dir,
    target,
    ...USER,
    filesOnly: false,
    ...change,
  });
  const file = `${at.dir}/ch-image`;
  const image = await at.acquire(["always"], {
    mountPoints: [
      point("/data/a"),
      point("/b", { filesOnly: true }),
      point("/c", { filesOnly: true, source: file }),
    ],
  });
  const root = `${at.storage}/img/r.example%group%app+1`;
  expect(image.name).toBe(NAME);
  expect(["data/a", "b", "c"].map((path) => existsSync(`${root}/${path}`))).toEqual([
    true,
    false,
    true,
  ]);
  const from = "CH_VOLUMES_0";
  const refused = await at
    .store()
    .acquire(
      at.request(["if-not-present", "always"], { mountPoints: [point("/c/below", { from })] }),
    );
  expect(refused).toEqual({
    ok: false,
    refusal: {
      fault: "user",
      from,
      message: `cannot mount anything at /c/below in image ${NAME}: /c is not a directory (${from})`,
    },
  });
  expect(at.calls()).toHaveLength(1);
});

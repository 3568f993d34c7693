/** What probes make of what they saw; the probes themselves are in test/e2e/doctor*.test.ts. */
import { describe, expect, test } from "bun:test";
import { judgeAccount, judgeRuntime } from "./account.ts";
import { judgeCache } from "./cache-health.ts";
import { judgeClock } from "./clock.ts";
import { judgeConfiguration } from "./configuration.ts";
import { judgeContainer, judgeSquashfs, judgeWriteFake } from "./container.ts";
import { fail, merged, ok, warn } from "./finding.ts";
import { judgeFuse, judgeNamespaces, judgeOverlay } from "./kernel.ts";
import { judgeLogin } from "./login.ts";
import { judgeGitlabRunner, judgeMksquashfs, judgeProgram, NO_MKSQUASHFS } from "./programs.ts";

test("several findings about one thing: the worst state, and what mends each", () => {
  const all = [ok("a"), warn("b", "slow", "mend b"), fail("", "broken", "mend c"), ok("")];
  expect(merged(all)).toEqual({
    state: "fail",
    seen: "a; b",
    meaning: "broken; slow",
    fix: "mend c; mend b",
  });
  expect(merged([ok("a"), ok("a")])).toEqual(ok("a"));
});

test("configuration", () => {
  const facts = { file: "/c.toml", errors: 0, warnings: 0, first: "" };
  expect(judgeConfiguration(facts).state).toBe("ok");
  expect(judgeConfiguration({ ...facts, file: undefined }).state).toBe("ok");
  expect(judgeConfiguration({ ...facts, warnings: 2, first: "line 3: x" })).toMatchObject({
    state: "warn",
    seen: "/c.toml has 2 warnings: line 3: x",
    fix: "jacamar check /c.toml",
  });
  expect(judgeConfiguration({ ...facts, errors: 1, first: "x" }).state).toBe("fail");
  expect(judgeConfiguration({ ...facts, unreadable: "hangs" }).seen).toBe("/c.toml hangs");
});

describe("account and runtime directory", () => {
  const user = { uid: 7, gid: 7, name: "ci", home: "/home/ci" };
  test.each([
    [{ user, homeOwner: 7 }, "ok", "uid 7"],
    [{ user, homeOwner: 8 }, "warn", "belongs to uid 8"],
    [{ user, homeOwner: undefined }, "warn", "is not there"],
    [{ user: { ...user, uid: 0 }, homeOwner: 0 }, "warn", "uid 0"],
  ] as const)("%#", (facts, state, seen) => {
    const finding = judgeAccount(facts);
    expect([finding.state, finding.seen]).toEqual([state, expect.stringContaining(seen)]);
  });
  test.each([
    [{ uid: 7, named: undefined, owner: 7 }, "ok"],
    [{ uid: 7, named: undefined, owner: undefined }, "ok"],
    [{ uid: 7, named: "/run/user/7", owner: undefined }, "warn"],
    [{ uid: 7, named: "/run/user/0", owner: 0 }, "warn"],
  ] as const)("runtime %#", (facts, state) => {
    expect(judgeRuntime(facts).state).toBe(state);
  });
});

describe("login shell", () => {
  const shell = { bash: "/bin/bash", env: {} };
  const quiet = {
    answered: true,
    shell,
    version: "5.2.15(1)",
    stdout: "",
    stderr: "",
    seconds: 0.1,
  };
  test.each([
    [{}, "ok", "Bash 5.2.15"],
    [{ version: "4.2.46(2)" }, "ok", "Bash 4.2.46"],
    [{ version: "4.1.2(1)" }, "fail", "Bash is 4.1.2"],
    [{ version: "" }, "fail", "unknown version"],
    [{ seconds: 4 }, "warn", "took 4.0 s"],
    [{ stdout: "\n" }, "ok", "took"],
    [{ stderr: "a\nb\n" }, "warn", 'writes 2 lines to stderr, first "a"'],
  ] as const)("%#", (more, state, seen) => {
    const finding = judgeLogin({ ...quiet, answered: true, ...more });
    expect([finding.state, finding.seen]).toEqual([state, expect.stringContaining(seen)]);
  });
  test("that does not answer", () => {
    expect(judgeLogin({ answered: false, why: "ended" })).toMatchObject({
      state: "fail",
      seen: "ended",
    });
  });
});

describe("kernel", () => {
  const refused = { works: false, said: "ended with status 1: Operation not permitted" };
  test("user namespaces: the switch that is off is named", () => {
    const switches = { "user.max_user_namespaces": "0", "kernel.unprivileged_userns_clone": "1" };
    expect(judgeNamespaces({ trial: refused, switches, needed: true })).toMatchObject({
      state: "fail",
      seen: `unshare ${refused.said}; user.max_user_namespaces = 0`,
      fix: "sysctl user.max_user_namespaces=15000",
    });
    expect(judgeNamespaces({ trial: refused, switches: {}, needed: false }).state).toBe("warn");
    expect(judgeNamespaces({ trial: undefined, switches, needed: true }).state).toBe("warn");
    expect(
      judgeNamespaces({ trial: { works: true, said: "" }, switches, needed: true }).state,
    ).toBe("ok");
  });
  test("overlay and fuse matter with containers alone", () => {
    expect([judgeOverlay("no", true).state, judgeOverlay("no", false).state]).toEqual([
      "warn",
      "ok",
    ]);
    const states = (["usable", "missing", "forbidden"] as const).flatMap((state) =>
      [true, false].map((needed) => judgeFuse({ state, mode: "mode 0600", needed }).state),
    );
    expect(states).toEqual(["ok", "ok", "warn", "ok", "warn", "ok"]);
  });
});

describe("programs", () => {
  const chRun = {
    name: "ch-run",
    path: "/b/ch-run",
    version: "0.38",
    searched: "PATH",
    needed: true,
  };
  test.each([
    [{}, "ok", "0.38, /b/ch-run"],
    [{ version: "0.31" }, "ok", "without --write-fake"],
    [{ version: "0.29" }, "warn", "0.29"],
    [{ version: "" }, "fail", "does not tell"],
    [{ path: "" }, "fail", "not found in PATH"],
    [{ path: "", needed: false }, "ok", "not needed"],
  ] as const)("%#", (more, state, seen) => {
    const finding = judgeProgram({ ...chRun, ...more });
    expect([finding.state, finding.seen]).toEqual([state, expect.stringContaining(seen)]);
  });
  test("containers", () => {
    for (const judge of [judgeContainer, judgeSquashfs, judgeWriteFake]) {
      expect(judge(undefined).state).toBe("ok");
      expect(judge("ended with status 1: no")).toMatchObject({
        state: "fail",
        seen: "ended with status 1: no",
      });
    }
  });
  test("gitlab-runner is not needed where its stages run in an image", () => {
    const none = { path: "", from: "config.toml", version: "" };
    expect(judgeGitlabRunner(none, undefined)).toMatchObject({ state: "warn", fix: "config.toml" });
    expect(judgeGitlabRunner(none, "r.example/runner").state).toBe("ok");
    expect(
      judgeGitlabRunner({ path: "/b/gitlab-runner", from: "PATH", version: "17.1" }, undefined)
        .seen,
    ).toBe("/b/gitlab-runner, 17.1 (PATH)");
  });
  test("mksquashfs: batch jobs cannot do without", async () => {
    const { plainSettings } = await import("./configuration.ts");
    const settings = await plainSettings();
    const batch = { ...settings, general: { ...settings.general, executor: "slurm" as const } };
    const { run_mechanism: _none, ...general } = settings.general;
    expect(
      [settings, batch, { ...settings, general }].map(
        (one) => judgeMksquashfs(NO_MKSQUASHFS, { settings: one }).state,
      ),
    ).toEqual(["warn", "fail", "ok"]);
  });
});

test("clock", () => {
  expect([undefined, 0, 2, -3, 299, 301].map((skew) => judgeClock(skew).state)).toEqual([
    ...["ok", "ok", "ok", "warn", "warn", "fail"],
  ] as never);
  expect(judgeClock(-61).seen).toContain("61 s behind this host");
});

test("cache health", () => {
  const none = { count: 0, bytes: 0 };
  const usage = {
    entries: { count: 2, bytes: 3e9 },
    layers: none,
    unfinished: none,
    trash: none,
    free: 1,
    limits: {},
  };
  const judge = (more: object, torn: string[] = []) =>
    judgeCache({ usage: { ...usage, ...more }, torn, fix: "jacamar cache gc" });
  expect(judge({})).toEqual(ok("2 images, 3.0 GB"));
  expect(judge({ limits: { maxSize: 2e9 } })).toMatchObject({
    state: "warn",
    seen: "2 images, 3.0 GB; more than max_size, 2.0 GB",
  });
  expect(judge({ trash: { count: 1, bytes: 5 } }).seen).toContain(
    "1 unfinished or thrown away, 5 B",
  );
  expect(judge({}, ["x: y"])).toMatchObject({ state: "warn", fix: "jacamar cache gc" });
});

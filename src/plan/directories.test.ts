import { expect, test } from "bun:test";
import type { Refusal } from "./decision.ts";
import { type Directories, type DirectoriesInput, planDirectories } from "./directories.ts";

interface Case {
  readonly dataDir?: string;
  readonly custom?: boolean;
  readonly wish?: string;
  readonly group?: boolean;
  readonly home?: string;
  readonly user?: string;
  readonly project?: { readonly id: string; readonly name: string };
  readonly slot?: number;
}

function input(wanted: Case): DirectoriesInput {
  return {
    settings: {
      general: {
        data_dir: wanted.dataDir ?? "/data",
        custom_build_dir: wanted.custom ?? false,
        group_permissions: wanted.group ?? false,
      },
    },
    user: { name: wanted.user ?? "alice", home: wanted.home ?? "/home/alice", uid: 1000 },
    job: {
      project: wanted.project ?? { id: "123", name: "ci-example" },
      variables: wanted.wish === undefined ? {} : { CUSTOM_CI_BUILDS_DIR: wanted.wish },
    },
    slot: wanted.slot ?? 0,
  };
}

function plan(wanted: Case): Directories {
  const verdict = planDirectories(input(wanted));
  if (!verdict.ok) {
    throw new Error(verdict.refusal.message);
  }
  return verdict.value;
}

function refusal(wanted: Case): Refusal {
  const verdict = planDirectories(input(wanted));
  if (verdict.ok) {
    throw new Error(`accepted ${JSON.stringify(wanted)}`);
  }
  return verdict.refusal;
}

test("planDirectories() lays a job out below data_dir", () => {
  const because = "only the user may enter it";
  const from = "[general] data_dir";

  expect(plan({})).toEqual({
    dataDir: "/data",
    projectKey: "ci-example_123",
    slotName: "000",
    buildsRoot: "/data/builds",
    builds: "/data/builds/ci-example_123/000",
    cache: "/data/cache/ci-example_123",
    scripts: "/data/scripts/ci-example_123/000",
    topDirectories: [
      { path: "/data", purpose: "all files of jobs", mode: 0o700, because, from },
      { path: "/data/builds", purpose: "builds", mode: 0o700, because, from },
      { path: "/data/cache", purpose: "caches", mode: 0o700, because, from },
      { path: "/data/scripts", purpose: "scripts", mode: 0o700, because, from },
    ],
    notes: [],
  });
});

test("planDirectories() expands and normalises data_dir", () => {
  for (const [dataDir, wanted] of [
    ["$HOME", "/home/alice/.jacamar-ci"],
    ["${HOME}/", "/home/alice/.jacamar-ci"],
    ["~", "/home/alice/.jacamar-ci"],
    ["/home/alice", "/home/alice/.jacamar-ci"],
    ["$HOME/x", "/home/alice/x"],
    ["~/x", "/home/alice/x"],
    ["/scratch/$USER/ci", "/scratch/alice/ci"],
    ["/scratch/u${UID}", "/scratch/u1000"],
    ["/with space/$USER", "/with space/alice"],
    ["/a//b/../c/./", "/a/c"],
    ["/tmp/$OTHER", "/tmp/$OTHER"],
  ] as const) {
    expect(plan({ dataDir }).dataDir).toBe(wanted);
  }
});

test("planDirectories() refuses a wrong data_dir as the admin's fault", () => {
  for (const [dataDir, part] of [
    ["", "relative"],
    ["ci", "relative"],
    ["./ci", "relative"],
    ["$OTHER/x", "relative"],
    ["~bob/x", "relative"],
    ["/a:b", "colon"],
    ["/a\nb", "newline"],
    ["/", "root"],
    ["/a/..", "root"],
    ["/dev/shm", "/dev"],
    ["/x/../proc", "/proc"],
    ["/sys/fs", "/sys"],
  ] as const) {
    const found = refusal({ dataDir });
    expect(found).toMatchObject({ fault: "admin", from: "[general] data_dir" });
    expect(found.message).toContain(part);
    expect(found.message).toContain(`[general] data_dir = ${JSON.stringify(dataDir)}`);
    expect(found.message).not.toContain("\n");
  }
});

test("planDirectories() shows what a refused data_dir expands to", () => {
  expect(refusal({ dataDir: "$HOME/x", home: "/home/a:b" }).message).toContain('("/home/a:b/x")');
});

test("planDirectories() refuses to build on a home that is no absolute path", () => {
  for (const home of ["", "relative"]) {
    for (const dataDir of ["$HOME/x", "/data"]) {
      expect(refusal({ dataDir, home })).toMatchObject({ fault: "system", from: "HOME" });
    }
  }
});

test("planDirectories() makes a safe directory name of any project name", () => {
  for (const [name, key] of [
    ["widget", "widget_7"],
    ["My Tool 2.0", "My-Tool-2.0_7"],
    ["../../etc", "etc_7"],
    [".hidden", "hidden_7"],
    ["--flag", "flag_7"],
    ["a/b:c\nd", "a-b-c-d_7"],
    ["Größe", "Gr--e_7"],
    ["a😀b", "a-b_7"],
    ["日本語", "project_7"],
    ["", "project_7"],
    ["x".repeat(200), `${"x".repeat(64)}_7`],
  ] as const) {
    expect(plan({ project: { id: "7", name } }).projectKey).toBe(key);
  }
});

test("planDirectories() pads the slot to three digits", () => {
  for (const [slot, name] of [
    [0, "000"],
    [42, "042"],
    [999, "999"],
    [1000, "1000"],
  ] as const) {
    expect(plan({ slot }).builds).toEndWith(`/${name}`);
  }
});

test("planDirectories() lets the group read with group_permissions", () => {
  for (const directory of plan({ group: true }).topDirectories) {
    expect(directory).toMatchObject({
      mode: 0o750,
      because: expect.stringContaining("group_permissions"),
    });
  }
});

test("planDirectories() puts builds where the user wants them, if permitted", () => {
  const found = plan({ custom: true, wish: "/scratch/$USER//ci/" });

  expect(found).toMatchObject({
    buildsRoot: "/scratch/alice/ci",
    builds: "/scratch/alice/ci/ci-example_123/000",
    cache: "/data/cache/ci-example_123",
    scripts: "/data/scripts/ci-example_123/000",
    notes: [],
  });
  expect(found.topDirectories.find(({ purpose }) => purpose === "builds")).toMatchObject({
    path: "/scratch/alice/ci/ci-example_123",
    from: "CUSTOM_CI_BUILDS_DIR",
  });
  expect(plan({ custom: true, wish: "$HOME" }).builds).toBe("/home/alice/ci-example_123/000");
});

test("planDirectories() ignores an empty wish", () => {
  expect(plan({ custom: true, wish: "" }).buildsRoot).toBe("/data/builds");
});

test("planDirectories() says which key would have honoured an ignored wish", () => {
  const found = plan({ wish: "/scratch/x" });

  expect(found.buildsRoot).toBe("/data/builds");
  expect(found.notes).toEqual([
    expect.stringMatching(/CUSTOM_CI_BUILDS_DIR="\/scratch\/x".*\[general\] custom_build_dir/),
  ]);
});

test("planDirectories() refuses a wrong wish as the user's fault", () => {
  for (const wish of ["ci", "/a:b", "/", "/proc/x", "/a\nb"]) {
    expect(refusal({ custom: true, wish })).toMatchObject({
      fault: "user",
      from: "CUSTOM_CI_BUILDS_DIR",
      message: expect.stringContaining(`CUSTOM_CI_BUILDS_DIR=${JSON.stringify(wish)}`),
    });
  }
});

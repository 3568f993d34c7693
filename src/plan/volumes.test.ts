import { expect, test } from "bun:test";
import { planVolumes } from "./volumes.ts";

function pairs(variables: Record<string, string>): readonly string[] {
  const verdict = planVolumes("CH_VOLUMES", variables);
  if (!verdict.ok) {
    throw new Error(verdict.refusal.message);
  }
  return verdict.value.map(({ source, target, from }) => `${from} ${source} ${target}`);
}

test("planVolumes() binds a source to itself or to a destination", () => {
  expect(planVolumes("CH_VOLUMES", { CH_VOLUMES_0: "/scratch:/example/scratch" })).toEqual({
    ok: true,
    value: [
      {
        source: "/scratch",
        target: "/example/scratch",
        because: "the job's variable CH_VOLUMES_0 asks for it",
        from: "CH_VOLUMES_0",
      },
    ],
  });
  expect(pairs({ CH_VOLUMES_1: "/a b/$x" })).toEqual(["CH_VOLUMES_1 /a b/$x /a b/$x"]);
});

test("planVolumes() orders by number and keeps ties in their order", () => {
  const variables = {
    CH_VOLUMES_10: "/j",
    CH_VOLUMES_02: "/b",
    CH_VOLUMES_2: "/c",
    CH_VOLUMES_123456789012345678901: "/z",
    CH_VOLUMES_99999999999999999999: "/y",
    CH_VOLUMES_000: "/a",
  };

  expect(pairs(variables).map((line) => line.split(" ")[1])).toEqual([
    "/a",
    "/b",
    "/c",
    "/j",
    "/y",
    "/z",
  ]);
});

test("planVolumes() ignores other names and empty values", () => {
  const variables = {
    CH_VOLUMES: "/a",
    CH_VOLUMES_: "/b",
    CH_VOLUMES_X: "/c",
    CH_VOLUMES_1_2: "/d",
    CH_VOLUMES_1a: "/e",
    XCH_VOLUMES_1: "/f",
    CH_VOLUMES1: "/g",
    "CH_VOLUMES_-1": "/h",
    CH_VOLUMES_1: "",
    CH_VOLUMES_2: " ",
  };

  expect(pairs(variables)).toEqual([]);
});

test("planVolumes() takes the prefix literally", () => {
  expect(planVolumes("V.*", { VXX_1: "/a", "V.*_1": "/b" })).toMatchObject({
    ok: true,
    value: [{ source: "/b" }],
  });
});

test("planVolumes() normalises the destination", () => {
  expect(pairs({ CH_VOLUMES_0: "/a/:/b//c/../d/" })).toEqual(["CH_VOLUMES_0 /a/ /b/d"]);
});

test("planVolumes() refuses what ch-run cannot do, quoting variable and value", () => {
  for (const [value, part] of [
    ["/a:/b:/c", "first colon"],
    ["/a:/b:ro", '":ro"'],
    ["/a:ro", '":ro"'],
    ["/a:/b:rw", '":rw"'],
    ["~/data", "~"],
    ["data:/data", "absolute"],
    [":/data", "source"],
    ["/a:", "destination"],
    ["/a:b", "destination"],
    ["$HOME:/x", "source"],
    [" /a", "source"],
    ["/", "root"],
    ["/a:/", "root"],
    ["/a:/b/..", "root"],
    ["/a:/dev", "/dev"],
    ["/a:/proc/x", "/proc"],
    ["/a:/x/../sys/fs", "/sys"],
    ["/dev/shm", "/dev"],
  ] as const) {
    const verdict = planVolumes("CH_VOLUMES", { CH_VOLUMES_7: value });
    expect(verdict).toMatchObject({ ok: false, refusal: { fault: "user", from: "CH_VOLUMES_7" } });
    const message = verdict.ok ? "" : verdict.refusal.message;
    expect(message).toContain(part);
    expect(message).toContain(`CH_VOLUMES_7=${JSON.stringify(value)}`);
  }
});

test("planVolumes() allows names that only begin like kernel directories", () => {
  expect(pairs({ CH_VOLUMES_0: "/device:/system" })).toEqual(["CH_VOLUMES_0 /device /system"]);
});

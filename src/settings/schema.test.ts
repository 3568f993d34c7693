import { expect, test } from "bun:test";
import { checkShape } from "./schema.ts";
import type { Tables } from "./tidy.ts";

function tables(entries: Record<string, Record<string, unknown>>): Tables {
  return new Map(Object.entries(entries));
}

const GENERAL = { executor: "shell", data_dir: "/d" };

test("gives typed values, without defaults", () => {
  const checked = checkShape(tables({ general: { ...GENERAL, kill_timeout: "2m", ff_x: [1] } }));

  expect(checked.ok && checked.tables.get("general")).toEqual({
    ...GENERAL,
    kill_timeout: 120,
    ff_x: [1],
  });
});

test("reports mistakes of all tables as data", () => {
  const checked = checkShape(
    tables({
      "": { stray: 1 },
      general: { data_dir: "/d", user_bash_env: ["A=1", 2] },
      batch: { nfs_timeout: "soon", more: {} },
    }),
  );

  expect(checked.ok ? [] : checked.mistakes.map(({ kind, path }) => [kind, path])).toEqual([
    ["missing", ["general", "executor"]],
    ["wrong-value", ["general", "user_bash_env", 1]],
    ["unknown", ["stray"]],
    ["wrong-value", ["batch", "nfs_timeout"]],
    ["unknown", ["batch", "more"]],
  ]);
});

test("accepts any key in an open table, and still checks those it knows", () => {
  const open = checkShape(tables({ general: GENERAL, "auth.logging": { colour: 1 } }));
  const wrong = checkShape(tables({ general: GENERAL, "auth.logging": { enabled: "yes" } }));

  expect(open.ok).toBe(true);
  expect(wrong.ok).toBe(false);
});

test("runs arktype without compiled validators", async () => {
  const { type } = await import("arktype");

  expect(type("string").internal.$.resolvedConfig.jitless).toBe(true);
});

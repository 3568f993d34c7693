import { expect, test } from "bun:test";
import { indexOf, noteOf } from "./layer-note.ts";
import { numbersAt, readRows, startRows } from "./layer-rows.ts";

const NUMBERS = { mode: 0o7777, mtime: 2 ** 32 - 1, size: 0, offset: 0 };
const ENTRIES = [
  { path: "", type: "directory", ...NUMBERS },
  { path: "a/b", type: "file", ...NUMBERS, size: 2 ** 53 - 1, offset: 2 ** 40 },
  { path: "a/bc", type: "symlink", ...NUMBERS, link: "\xff" },
  { path: `a/bc/${"long/".repeat(2000)}x`, type: "hardlink", ...NUMBERS, link: "a/b" },
  { path: `a/bc/${"long/".repeat(2000)}y`, type: "special", ...NUMBERS },
  { path: "ab", type: "file", ...NUMBERS, size: 9, stored: [[3, 4]] },
  { path: "a", type: "file", ...NUMBERS, size: 9, stored: [] },
] as const;

function rowsOf(): Buffer {
  const { add, done } = startRows();
  for (const entry of ENTRIES) add(entry);
  return done();
}

test("rows give back what went in, in order and by place", () => {
  const rows = rowsOf();
  const found = [...readRows(rows)];
  expect(found).toMatchObject(ENTRIES as never);
  for (const { at, parent, name, path, link: _, ...numbers } of found) {
    expect(numbersAt(rows, at)).toEqual(numbers);
    expect(parent === "" ? name : `${parent}/${name}`).toBe(path);
  }
  expect(() => [...readRows(rows.subarray(0, -1))]).toThrow("damaged");
});

test("a note that is torn, older or of another layer is none", () => {
  const index = { diffId: "sha256:1", size: 7, rows: rowsOf() };
  const note = Buffer.concat(noteOf(index));
  expect(indexOf(note, "sha256:1")).toEqual(index);
  expect(indexOf(note, "sha256:2")).toBeUndefined();
  for (const length of [0, 100, 256, note.length - 1])
    expect(indexOf(note.subarray(0, length), "sha256:1")).toBeUndefined();
  note[note.length - 3] = 1 ^ (note[note.length - 3] ?? 0);
  expect(indexOf(note, "sha256:1")).toBeUndefined();
  const old = JSON.stringify({ version: 1, diffId: "sha256:1", size: 7, entries: [] });
  expect(indexOf(Buffer.from(old), "sha256:1")).toBeUndefined();
});

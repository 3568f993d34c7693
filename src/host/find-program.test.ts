import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { findProgram, isProgram } from "./find-program.ts";

let fresh: FreshDirectory;
let here = "";
beforeAll(() => {
  fresh = freshDirectory("find");
  here = fresh.path;
  for (const name of ["one", "two", "three"]) mkdirSync(`${here}/${name}`);
  mkdirSync(`${here}/one/tool`);
  writeFileSync(`${here}/two/tool`, "", { mode: 0o644 });
  writeFileSync(`${here}/three/tool`, "", { mode: 0o755 });
  symlinkSync("tool", `${here}/three/link`);
  symlinkSync("/no/where", `${here}/three/dangling`);
});
afterAll(() => fresh.remove());

test("finds the first executable file, past directories and plain files of that name", () => {
  const path = `${here}/none:${here}/one:${here}/two:${here}/three`;
  expect(findProgram("tool", path)).toBe(`${here}/three/tool`);
  expect(findProgram("link", path)).toBe(`${here}/three/link`);
  expect(findProgram("dangling", path)).toBeUndefined();
  expect(findProgram("other", path)).toBeUndefined();
});

test("takes slashes at the end and passes over what is not absolute or empty", () => {
  expect(findProgram("tool", `::.:relative/three:${here}/three//`)).toBe(`${here}/three/tool`);
  expect(findProgram("tool", "")).toBeUndefined();
  expect(findProgram("tool", undefined)).toBeUndefined();
});

test("isProgram() tells files that can be executed", () => {
  expect(isProgram(`${here}/three/tool`)).toBe(true);
  expect(isProgram(`${here}/two/tool`)).toBe(false);
  expect(isProgram(`${here}/one/tool`)).toBe(false);
  expect(isProgram(`${here}/three/tool/below`)).toBe(false);
});

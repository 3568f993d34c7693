import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { checkLockFile } from "./lock-file.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync("/var/tmp/jacamar-lock-");
});
afterAll(() => rmSync(root, { recursive: true }));

const LOCKED = { version: "1.0.0", integrity: "sha512-x" };

function check(locked: object, manifest: object = { dependencies: { a: "1.0.0" } }): string[] {
  mkdirSync(join(root, "node_modules/a"), { recursive: true });
  const packages = {
    "": { dependencies: { a: "1.0.0" } },
    "node_modules/a": locked,
    "node_modules/elsewhere": { ...LOCKED, optional: true },
  };
  writeFileSync(join(root, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages }));
  writeFileSync(join(root, "node_modules/a/package.json"), JSON.stringify({ version: "1.0.0" }));
  return checkLockFile(root);
}

test("checkLockFile() accepts what npm ci leaves, optional packages missing", () => {
  expect(check(LOCKED)).toEqual([]);
});

test.each([
  ["a host", { ...LOCKED, resolved: "https://registry.example/a.tgz" }, "names the host"],
  ["no hash", { version: "1.0.0" }, "has no hash"],
  ["another version than is installed", { ...LOCKED, version: "1.0.1" }, "1.0.0 is installed"],
])("checkLockFile() refuses %s", (_, locked, message) => {
  expect(check(locked)).toEqual([expect.stringContaining(message)]);
});

test("checkLockFile() refuses another package.json and a package that is not installed", () => {
  expect(check(LOCKED, { dependencies: { a: "1.0.1" } })).toEqual([
    "package.json and package-lock.json differ in dependencies",
  ]);
  check(LOCKED);
  rmSync(join(root, "node_modules/a/package.json"));
  expect(checkLockFile(root)).toEqual(["node_modules/a: not installed"]);
  rmSync(join(root, "node_modules"), { recursive: true });
  expect(checkLockFile(root)).toEqual([]);
});

test("checkLockFile() refuses a range of versions", () => {
  expect(check(LOCKED, { dependencies: { a: "^1.0.0" } })).toContain(
    "package.json: a is ^1.0.0; wanted: one version, such as 1.2.3",
  );
});

test.each([".", "scripts/grafana/page"])(
  "checkLockFile() accepts this project's in %s",
  (folder) => {
    expect(checkLockFile(resolve(import.meta.dir, "..", folder))).toEqual([]);
  },
);

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { OPTIONS } from "../src/settings/options.ts";
import { withOptionTable } from "./option-table.ts";

const page = readFileSync(resolve(import.meta.dir, "../docs/admins.md"), "utf8");

test("the page has every key of the option table", () => {
  for (const { key } of OPTIONS) expect(page).toContain(`\`${key}\``);
});

test("a page that differs from the option table is written anew, all else of it stays", () => {
  const [option] = OPTIONS;
  if (option === undefined) throw new Error("no options");
  const stale = page.replace(option.meaning, "Something else.");
  expect(stale).not.toBe(page);
  expect(withOptionTable(stale)).toBe(page);
});

test("a page without its marks is an error", () => {
  expect(() => withOptionTable("# For administrators")).toThrow("has lost its marks");
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { brokenLinks } from "./doc-links.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync("/var/tmp/jacamar-links-");
  mkdirSync(`${root}/docs`);
});
afterEach(() => rmSync(root, { recursive: true }));

function page(name: string, text: string): void {
  writeFileSync(`${root}/${name}`, text);
}

test("the project's own pages have no broken link", () => {
  expect(brokenLinks(resolve(import.meta.dir, ".."))).toEqual([]);
});

test("links to files, directories, headings and other sites are well", () => {
  page("docs/b.md", "# `A` title, with: more\n\n## Same\n\n## Same\n[up](../README.md)\n");
  page(
    "README.md",
    "[b](docs/b.md#a-title-with-more) [c](docs/b.md#same-1) [d](docs) [e](#here)\n# Here\n[f](https://example.org/x.md)\n[g]: docs/b.md\n",
  );
  expect(brokenLinks(root)).toEqual([]);
});

test("what is missing is named with the line", () => {
  page("docs/b.md", "# Title\n");
  page(
    "README.md",
    "one\n[b](docs/c.md)\n![p](p.png) [h](docs/b.md#tilte)\n[g]: g.md\n[r](/docs)\n",
  );
  expect(brokenLinks(root)).toEqual([
    "README.md:2: the link docs/c.md leads to nothing",
    "README.md:3: the link p.png leads to nothing",
    "README.md:3: the link docs/b.md#tilte leads to a heading that the page does not have",
    "README.md:4: the link g.md leads to nothing",
    "README.md:5: the link /docs is absolute; wanted a path from the page",
  ]);
});

test("code is not a link", () => {
  page("README.md", "`[a](b.md)`\n\n```toml\n[a](c.md)\n```\n[d](d.md)\n");
  expect(brokenLinks(root)).toEqual(["README.md:6: the link d.md leads to nothing"]);
});

/**
 * Holds the pages to their links: what a relative link leads to exists, and so does the heading behind its `#`.
 *
 * Usage: bun scripts/doc-links.ts
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** One line for each relative link of a page that leads nowhere, as `FILE:LINE: …`. */
export function brokenLinks(root: string): string[] {
  return pagesOf(root).flatMap((page) =>
    linksOf(readFileSync(join(root, page), "utf8")).flatMap(({ target, line }) => {
      const problem = problemOf(root, page, target);
      return problem === undefined ? [] : [`${page}:${line}: the link ${target} ${problem}`];
    }),
  );
}

function pagesOf(root: string): string[] {
  const pages = [...new Bun.Glob("**/*.md").scanSync({ cwd: root, dot: true })];
  return pages.filter((page) => !/(^|\/)(node_modules|dist|\.git)\//.test(page)).sort();
}

interface Link {
  /** As written, without a title. */
  readonly target: string;
  readonly line: number;
}

/** Links and pictures with a relative target, outside code. */
function linksOf(page: string): Link[] {
  return withoutCode(page)
    .split("\n")
    .flatMap((text, index) =>
      [...text.matchAll(/\]\(<?([^)\s>]+)|^\[[^\]]+\]:\s*<?([^\s>]+)/g)].map((match) => ({
        target: match[1] ?? match[2] ?? "",
        line: index + 1,
      })),
    )
    .filter(({ target }) => !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target));
}

/** The same lines, with blank ones in place of fenced blocks and nothing in place of code in a line. */
function withoutCode(page: string): string {
  const blank = (block: string) => block.replace(/[^\n]/g, "");
  return page.replace(/^ *(```|~~~)[\s\S]*?^ *\1/gm, blank).replace(/(`+)[^`\n]+\1/g, "");
}

function problemOf(root: string, page: string, target: string): string | undefined {
  const [path = "", heading] = decodeURI(target).split("#");
  if (path.startsWith("/")) return "is absolute; wanted a path from the page";
  const file = path === "" ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(file)) return "leads to nothing";
  if (heading === undefined || statSync(file).isDirectory() || !file.endsWith(".md")) return;
  const known = anchorsOf(readFileSync(file, "utf8"));
  return known.includes(heading) ? undefined : "leads to a heading that the page does not have";
}

/** As GitLab and GitHub make them from headings; a second heading of one text counts from 1. */
function anchorsOf(page: string): string[] {
  const withoutBlocks = page.replace(/^ *(```|~~~)[\s\S]*?^ *\1/gm, "");
  const seen = new Map<string, number>();
  return [...withoutBlocks.matchAll(/^#{1,6} +(.*?) *$/gm)].map(([, title = ""]) => {
    const anchor = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
      .replaceAll(" ", "-");
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

if (import.meta.main) {
  const problems = brokenLinks(resolve(import.meta.dir, ".."));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

/** Reads the tables of a Markdown page, for tests that hold a page to the code. */

/** One row below a heading: the cells, with their Markdown, by position. */
export interface PageRow {
  /** Text of the nearest heading above, without `#` and backquotes. */
  readonly heading: string;
  readonly cells: readonly string[];
}

/** Every row of every table, without the tables' own first lines. A cell may not hold a `|`. */
export function tableRows(page: string): readonly PageRow[] {
  const rows: PageRow[] = [];
  let heading = "";
  let inBody = false;
  for (const line of page.split("\n")) {
    const title = /^#+ (.*)$/.exec(line)?.[1];
    if (title !== undefined) heading = title.replaceAll("`", "");
    if (!line.startsWith("|")) inBody = false;
    else if (/^\|[-|]+$/.test(line)) inBody = true;
    else if (inBody) {
      const cells = line.slice(1, line.lastIndexOf("|")).split("|");
      rows.push({ heading, cells: cells.map((cell) => cell.trim()) });
    }
  }
  return rows;
}

/** What stands between backquotes in a text. */
export function codeIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? "");
}

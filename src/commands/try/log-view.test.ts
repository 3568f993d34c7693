import { expect, test } from "bun:test";
import { logView } from "./log-view.ts";

function view(isTerminal: boolean, pieces: readonly string[]): string[] {
  const lines: string[] = [];
  const { add, end } = logView(isTerminal, (line) => lines.push(line));
  for (const piece of pieces) add(piece);
  end();
  return lines;
}

const pieces = [
  "\x1b[32;1m$ ma",
  "ke\x1b[0;m\n10%\r100%\r\nsection_start:1:a[b=c]\r\x1b[0KHead\nend",
];

test("a file gets lines without colours, marks of sections and earlier states", () => {
  expect(view(false, pieces)).toEqual(["$ make", "100%", "Head", "end"]);
});

test("a terminal gets all but the marks of sections", () => {
  expect(view(true, pieces)).toEqual(["\x1b[32;1m$ make\x1b[0;m", "10%\r100%", "Head", "end"]);
});

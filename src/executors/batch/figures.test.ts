import { afterAll, expect, test } from "bun:test";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { freshDirectory } from "../../../test/fixtures/directory.ts";
import { spoolFiles } from "./batch-plan.ts";
import { readFigures } from "./figures.ts";

const fresh = freshDirectory("figures");
afterAll(() => fresh.remove());
let spools = 0;

/** A spool whose files were written at these seconds; absent: not at all. */
function spool(written: { started?: number; marker?: number }, started = "nonce 12 0 n1\n") {
  const files = spoolFiles(`${fresh.path}/${++spools}`);
  mkdirSync(files.directory, { recursive: true });
  for (const [path, text, time] of [
    [files.wrapper, "", 100],
    [files.started, started, written.started],
    [files.marker, "", written.marker],
  ] as const) {
    if (time === undefined) continue;
    writeFileSync(path, text);
    utimesSync(path, time, time);
  }
  return files;
}

test("times are from one file to the next", () => {
  const files = spool({ started: 103.5, marker: 110 });
  expect(readFigures(files)).toEqual({ node: "n1", queueSeconds: 3.5, runSeconds: 6.5 });
});

test("a job that never started has none", () => {
  expect(readFigures(spool({}))).toEqual({});
});

test("a job that was never seen to end has no time of its own", () => {
  expect(readFigures(spool({ started: 101 }))).toEqual({ node: "n1", queueSeconds: 1 });
});

test("nothing is made up of a second start, nor of a clock that was set back", () => {
  expect(readFigures(spool({ started: 103, marker: 110 }, "a 1 0 n1\na 1 1 n2\n"))).toEqual({
    node: "n1",
  });
  expect(readFigures(spool({ started: 99, marker: 98 }))).toEqual({ node: "n1" });
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { newerChRun } from "../../test/fixtures/ch-run.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import { type ChRunHelp, readChRunHelp, unknownOption } from "./ch-run-help.ts";

let fresh: FreshDirectory;
beforeAll(() => {
  fresh = freshDirectory("help");
});
afterAll(() => fresh.remove());

function helpOf(program: string): ChRunHelp {
  const { stdout, stderr } = Bun.spawnSync([program, "--help"], {
    env: { USER: "ci", PATH: "/usr/bin:/bin" },
  });
  const help = readChRunHelp(`${stdout}\n${stderr}`);
  if (help === undefined) throw new Error(`no options in ${stdout}${stderr}`);
  return help;
}

const unknown = (words: readonly string[], help: ChRunHelp) =>
  words.map((word) => unknownOption(word, help));

test("the options of Debian's ch-run are read from its help", () => {
  const help = helpOf("ch-run");
  expect(
    unknown(["--bind=/a:/b", "-b/a", "-vvb/a", "-wt", "--set-env", "--set-e=A=b", "-?"], help),
  ).toEqual(Array(7).fill(undefined));
  expect(unknown(["--write-fake", "--bound=/a", "-vX", "-W", "--join-=3"], help)).toEqual([
    "--write-fake",
    "--bound",
    "-X",
    "-W",
    "--join-",
  ]);
});

test.each(["trixie", "forky"] as const)("so are those of the ch-run of %s", (suite) => {
  const help = helpOf(newerChRun(`${fresh.path}/${suite}`, suite).path);
  expect(unknown(["--write-fake", "-W", "--bind=/a", "--no-such", "-Z"], help)).toEqual([
    undefined,
    undefined,
    undefined,
    "--no-such",
    "-Z",
  ]);
});

test("a text without options is no help", () => {
  expect(readChRunHelp("ch-run: error: $USER not set")).toBeUndefined();
  expect(readChRunHelp("see --help\n")).toBeUndefined();
});

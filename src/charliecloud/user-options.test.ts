import { expect, test } from "bun:test";
import { checkOptions } from "./user-options.ts";

const FROM = "JACAMAR_CI_CHARLIECLOUD_ARGS";

/** The bind mounts among accepted words, in order. */
function binds(...words: string[]): (string | undefined)[] {
  const checked = checkOptions(words, "user", FROM);
  if (!checked.ok) throw new Error(checked.refusal.message);
  expect(checked.value.flatMap((option) => option.words)).toEqual(words);
  return checked.value.map(({ bind }) => bind).filter((bind) => bind !== undefined);
}

function refusal(...words: string[]): string {
  const checked = checkOptions(words, "user", FROM);
  return checked.ok ? "" : checked.refusal.message;
}

test("checkOptions() accepts options of every kind and keeps the words as they are", () => {
  expect(binds()).toEqual([]);
  expect(
    binds("--set-env=A=b c", "--set-env", "-t", "-v", "--unset-env", "X*", "-c", "/work"),
  ).toEqual([]);
  expect(binds("--write-fake=64m", "-W64m", "-W", "--home", "-u", "0", "-g0")).toEqual([]);
});

test("checkOptions() finds bind mounts however they are written", () => {
  for (const words of [
    ["--bind=/a:/b"],
    ["--bind", "/a:/b"],
    ["-b/a:/b"],
    ["-b", "/a:/b"],
    ["-vb/a:/b"],
    ["-vb", "/a:/b"],
    ["-tvwb", "/a:/b"],
    ["--bi", "/a:/b"],
    ["--b=/a:/b"],
  ]) {
    expect([words, binds(...words)]).toEqual([words, ["/a:/b"]]);
  }
  expect(binds("-b", "/a", "--bind=/b=c", "-b=/d")).toEqual(["/a", "/b=c", "=/d"]);
});

test("checkOptions() takes the word after an option for its value, whatever it looks like", () => {
  expect(binds("--bind", "--cd", "-v")).toEqual(["--cd"]);
  expect(binds("-b", "--")).toEqual(["--"]);
  expect(binds("--unset-env", "--bind=/a")).toEqual([]);
  expect(binds("--bind=")).toEqual([""]);
});

test("checkOptions() never takes a word for the value of an option with an optional one", () => {
  for (const option of [
    "--set-env",
    "--set-env0",
    "--write-fake",
    "-W",
    "--cdi",
    "-d",
    "--color",
  ]) {
    expect(refusal(option, "/x")).toContain('the word "/x" would become the image');
  }
  expect(binds("-d", "-W", "-b/a")).toEqual(["/a"]);
  // The rest of a joined word is the value of the first option that takes one.
  expect(binds("-Wb/a")).toEqual([]);
});

test("checkOptions() refuses what would become the image or end the options, and quotes it", () => {
  for (const [words, quote] of [
    [["/evil"], '"/evil"'],
    [["--home", "/evil"], '"/evil"'],
    [["-vt", "evil:latest"], '"evil:latest"'],
    [["--bind=/a", "x", "--"], '"x"'],
    [["-"], '"-"'],
    [[""], '""'],
    [["a\nb"], String.raw`"a\nb"`],
  ] as const) {
    expect(refusal(...words)).toContain(`${FROM}: the word ${quote} would become the image`);
  }
  expect(refusal("-v", "--")).toContain('the word "--" would end ch-run\'s options');
});

test("checkOptions() refuses a last option without its value, which would swallow the image", () => {
  for (const words of [["--bind"], ["-b"], ["-vb"], ["--cd"], ["-u"], ["--join-pid"]]) {
    expect(refusal(...words)).toContain("needs a value");
  }
});

test("checkOptions() leaves unknown options to ch-run, but no word after them", () => {
  expect(binds("--future", "--future=x", "-x", "--=y", "--constructor")).toEqual([]);
  expect(refusal("--future", "x")).toContain("would become the image");
  // More than one option begins so: ch-run refuses it itself.
  expect(binds("--un", "--set")).toEqual([]);
});

test("checkOptions() refuses another storage, from which another image would come, in any spelling", () => {
  for (const words of [
    ["--storage=/x"],
    ["--storage", "/x"],
    ["--st=/x"],
    ["-s", "/x"],
    ["-s/x"],
    ["-vs/x"],
  ]) {
    expect(refusal(...words)).toContain("names another image storage");
  }
  expect(binds("--set-env=storage=1", "-c", "-s")).toEqual([]);
});

test("checkOptions() refuses to silence the job", () => {
  for (const word of ["-q", "--quiet", "--qui", "-qv", "-vq", "-qb/a"]) {
    expect(refusal(word)).toContain("silences the job's own output");
  }
});

test("checkOptions() blames whoever wrote the words", () => {
  expect(checkOptions(["x"], "admin", "[general.charliecloud] custom_options")).toMatchObject({
    ok: false,
    refusal: { fault: "admin", from: "[general.charliecloud] custom_options" },
  });
  expect(checkOptions(["x"], "user", FROM)).toMatchObject({
    refusal: { fault: "user", from: FROM },
  });
});

import { expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { misusedWord, suggestion } from "./options.ts";

const ARGS: ArgsDef = {
  configuration: { type: "string" },
  variable: { type: "string", alias: ["V", "var"] },
  auth: { type: "boolean", default: true },
  unobfuscated: { type: "boolean", alias: "u" },
  script: { type: "positional" },
  stage: { type: "positional" },
};

const misuse = (...words: string[]) => misusedWord(words, ARGS);

test("misusedWord() accepts every option in every spelling, and as many words as there are places", () => {
  for (const words of [
    [],
    ["-u", "--no-auth", "--auth"],
    ["--configuration", "/etc/x.toml", "a", "b"],
    ["--configuration=/etc/x.toml"],
    ["--configuration="],
    ["--configuration", ""],
    ["-V", "a=b", "-V=c", "--var", "d=e", "--variable=--x"],
    ["a", "--help", "b", "-h"],
    // A value, not an option: gitlab-runner gives no such words.
    ["--configuration", "-"],
    ["--configuration", "-x"],
    ["-"],
  ]) {
    expect([words, misuse(...words)]).toEqual([words, undefined]);
  }
});

test("misusedWord() names the first word that the command cannot take", () => {
  for (const [words, message] of [
    [["--configuraton", "x"], "unknown option --configuraton"],
    [["-x"], "unknown option -x"],
    [["-ux"], "unknown option -ux"],
    [["--u"], "unknown option --u"],
    [["-configuration", "x"], "unknown option -configuration"],
    [["--"], "unknown option --"],
    [["--=x"], "unknown option --=x"],
    [["---help"], "unknown option ---help"],
    [["--no-configuration"], "unknown option --no-configuration"],
    [["--constructor"], "unknown option --constructor"],
    [["--configuration"], "option --configuration needs a value"],
    [["--configuration", "--no-auth"], "option --configuration needs a value"],
    [["-V"], "option -V needs a value"],
    [["--no-auth=false"], "option --no-auth takes no value"],
    [["-u=1"], "option -u takes no value"],
    [["a", "b", "c"], 'unexpected word "c"'],
    [["a", "b", ""], 'unexpected word ""'],
  ] as const) {
    expect([words, misuse(...words)]).toEqual([words, message]);
  }
});

test("misusedWord() lets a command that takes more have any number of words", () => {
  const args: ArgsDef = {
    file: { type: "positional" },
    format: { type: "enum", options: ["a"] },
  };
  expect(misusedWord(["x", "y", "--format", "a", "z"], args, true)).toBeUndefined();
  expect(misusedWord(["x", "y", "--formt", "a"], args, true)).toBe("unknown option --formt");
  expect(misusedWord(["x", "--format"], args, true)).toBe("option --format needs a value");
  expect(misusedWord(["x", "y"], args)).toBe('unexpected word "y"');
});

test("misusedWord() knows --help alone where a command has no options", () => {
  expect(misusedWord(["--help"], undefined)).toBeUndefined();
  expect(misusedWord(["--json"], undefined)).toBe("unknown option --json");
  expect(misusedWord(["x"], undefined)).toBe('unexpected word "x"');
});

test("suggestion() names the nearest command", async () => {
  const known = ["config", "prepare", "run", "cleanup"];
  expect(await suggestion("prepair", known)).toBe(
    'unknown command "prepair"; nearest is "prepare"',
  );
  expect(await suggestion("clean", known)).toContain('"cleanup"');
});

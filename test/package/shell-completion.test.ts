import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { packageFiles } from "../../scripts/package/files.ts";
import { stage } from "../../scripts/package/stage.ts";

const BASH = "usr/share/bash-completion/completions/jacamar";
const FISH = "usr/share/fish/vendor_completions.d/jacamar.fish";
const ZSH = "usr/share/zsh/vendor-completions/_jacamar";

let root = "";
beforeAll(() => {
  root = mkdtempSync("/var/tmp/jacamar-completion-");
  const source = { root: join(import.meta.dir, "../.."), binary: "", version: "1.2.3", time: 0 };
  const files = packageFiles("deb", source);
  stage(
    root,
    files.filter(({ path }) => [BASH, FISH, ZSH].includes(path.slice(1))),
    0,
  );
  mkdirSync(join(root, "work/sub"), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

function run(argv: readonly string[]): string[] {
  const result = Bun.spawnSync([...argv], {
    cwd: join(root, "work"),
    stdin: "ignore",
    env: { PATH: process.env["PATH"], HOME: root, LC_ALL: "C.UTF-8", TERM: "dumb" },
  });
  expect([argv, result.exitCode, result.stderr.toString()]).toEqual([argv, 0, ""]);
  return result.stdout
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

/** What bash offers for the last word; an empty list leaves it to complete file names. */
function bashOffers(...words: string[]): string[] {
  const script = `source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    compopt() { :; }
    $(complete -p jacamar | sed 's/.*-F \\([^ ]*\\).*/\\1/'); printf '%s\\n' "\${COMPREPLY[@]}"`;
  return run(["bash", "-c", script, "test", join(root, BASH), "jacamar", ...words]);
}

test("bash completes commands, options, values of options, actions and keys", () => {
  run(["bash", "-n", join(root, BASH)]);
  expect(bashOffers("che")).toEqual(["check"]);
  expect(bashOffers("--no-auth", "--configuration", "x.toml", "pre")).toEqual(["prepare"]);
  expect(bashOffers("check", "--for")).toEqual(["--format"]);
  expect(bashOffers("check", "--format", "sa")).toEqual(["sarif"]);
  expect(bashOffers("cache", "--dir", "x", "ve")).toEqual(["verify"]);
  expect(bashOffers("help", "kill_")).toEqual(["kill_timeout"]);
});

test("bash leaves files, and the words of another command, to its own completion", () => {
  expect(bashOffers("config", "--configuration", "s")).toEqual([]);
  expect(bashOffers("check", "s")).toEqual([]);
  expect(bashOffers("try", "--", "che")).toEqual([]);
  expect(bashOffers("cache", "--dir", "s")).toEqual(["sub"]);
});

test("the bash completion is clean for shellcheck", () => {
  run(["shellcheck", "--shell=bash", join(root, BASH)]);
});

function fishOffers(line: string): string[] {
  const script = `source ${join(root, FISH)}; complete -C ${JSON.stringify(line)}`;
  return run(["fish", "--no-config", "-c", script]).map((offer) => offer.split("\t")[0] ?? "");
}

test("fish completes the same", () => {
  run(["fish", "--no-config", "--no-execute", join(root, FISH)]);
  expect(fishOffers("jacamar che")).toEqual(["check"]);
  expect(fishOffers("jacamar check --for")).toEqual(["--format"]);
  expect(fishOffers("jacamar check --format sa")).toEqual(["sarif"]);
  expect(fishOffers("jacamar cache ve")).toEqual(["verify"]);
  expect(fishOffers("jacamar help kill_t")).toEqual(["kill_timeout"]);
  expect(fishOffers("jacamar check s")).toEqual(["sub/"]);
});

// zsh offers completions to a terminal only; that its own loader takes the function is what can be seen without one.
test("zsh parses the function and compinit takes it for jacamar", () => {
  run(["zsh", "-f", "-n", join(root, ZSH)]);
  const script = `fpath=(${join(root, "usr/share/zsh/vendor-completions")} $fpath)
    autoload -Uz compinit && compinit -u -D && print $_comps[jacamar]`;
  expect(run(["zsh", "-f", "-c", script])).toEqual(["_jacamar"]);
});

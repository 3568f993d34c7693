import { expect, test } from "bun:test";
import { expandAccount } from "./expand.ts";

const ALICE = { home: "/home/alice", name: "alice", uid: 1000 };

test("expandAccount() replaces the three names in both spellings, anywhere and repeatedly", () => {
  expect(expandAccount("$HOME/x", ALICE)).toBe("/home/alice/x");
  expect(expandAccount("${HOME}x", ALICE)).toBe("/home/alicex");
  expect(expandAccount("/run/$UID/$USER-${USER}_${UID}", ALICE)).toBe("/run/1000/alice-alice_1000");
  expect(expandAccount("--bind=$HOME:$HOME", ALICE)).toBe("--bind=/home/alice:/home/alice");
});

test("expandAccount() leaves everything else alone", () => {
  for (const text of [
    "$HOMEWORK",
    "$USER_x",
    "${HOME:-x}",
    "$home",
    "$(id)",
    "`id`",
    "$",
    "${HOME",
    "~/x",
    "",
    "a b",
  ]) {
    expect(expandAccount(text, ALICE)).toBe(text);
  }
});

test("expandAccount() does not expand what it inserted", () => {
  const odd = { home: "/h/$USER$&", name: "$HOME", uid: 0 };

  expect(expandAccount("$HOME $USER", odd)).toBe("/h/$USER$& $HOME");
});

test("expandAccount() understands a leading ~ only for directories", () => {
  expect(expandAccount("~/x", ALICE, { tilde: true })).toBe("/home/alice/x");
  expect(expandAccount("~", ALICE, { tilde: true })).toBe("/home/alice");
  expect(expandAccount("~bob/x", ALICE, { tilde: true })).toBe("~bob/x");
  expect(expandAccount("/a/~/x", ALICE, { tilde: true })).toBe("/a/~/x");
});

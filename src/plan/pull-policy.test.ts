import { expect, test } from "bun:test";
import { choosePullPolicies } from "./pull-policy.ts";

test("choosePullPolicies() pulls always when nothing is asked for", () => {
  expect(choosePullPolicies({ by: "job", words: [] })).toEqual({
    ok: true,
    value: [{ choice: "always", because: "nothing else is asked for", from: "image: pull_policy" }],
  });
});

test("choosePullPolicies() keeps a list in its order", () => {
  const verdict = choosePullPolicies({ by: "job", words: ["never", "if-not-present", "never"] });

  expect(verdict.ok && verdict.value.map(({ choice }) => choice)).toEqual([
    "never",
    "if-not-present",
    "never",
  ]);
});

test("choosePullPolicies() names the admin's key for the admin's image", () => {
  expect(choosePullPolicies({ by: "admin", words: ["never"] })).toMatchObject({
    ok: true,
    value: [{ choice: "never", from: "[general.charliecloud] runner_pull_policy" }],
  });
});

test("choosePullPolicies() blames the one who wrote an unknown word", () => {
  for (const [by, fault] of [
    ["job", "user"],
    ["admin", "admin"],
  ] as const) {
    expect(choosePullPolicies({ by, words: ["always", "Never"] })).toMatchObject({
      ok: false,
      refusal: {
        fault,
        message: expect.stringMatching(/"Never".*always, if-not-present, never/),
      },
    });
  }
});

const ALLOWED = "[general.charliecloud] allowed_pull_policies";

test("choosePullPolicies() keeps what is both asked for and allowed, in the order asked for", () => {
  for (const [words, allowed, kept] of [
    [["never"], ["never", "always"], ["never"]],
    [
      ["if-not-present", "always"],
      ["always", "if-not-present"],
      ["if-not-present", "always"],
    ],
    [["if-not-present", "always"], ["always"], ["always"]],
    [["always", "never", "if-not-present"], ["if-not-present"], ["if-not-present"]],
  ] as const) {
    for (const by of ["job", "admin"] as const) {
      const verdict = choosePullPolicies({ by, words, allowed });
      expect(verdict.ok && verdict.value.map(({ choice }) => choice)).toEqual([...kept]);
    }
  }
});

test("choosePullPolicies() says which policies were left out, and by which key", () => {
  const wish = { by: "job", words: ["if-not-present", "always", "never"] } as const;
  const verdict = choosePullPolicies({ ...wish, allowed: ["always"] });

  expect(verdict.ok && verdict.value).toEqual([
    {
      choice: "always",
      because: `the job asks for it; ${ALLOWED} leaves out if-not-present, never`,
      from: "image: pull_policy",
    },
  ]);
});

test("choosePullPolicies() refuses a job whose policies are all outside of the list", () => {
  for (const [words, allowed, message] of [
    [
      ["never"],
      ["always", "if-not-present"],
      `Cannot use image: pull_policy "never": this site does not allow it; wanted one of "always", "if-not-present" (admins: ${ALLOWED})`,
    ],
    [
      ["always", "if-not-present"],
      ["never"],
      `Cannot use image: pull_policy ["always", "if-not-present"]: this site does not allow it; wanted "never" (admins: ${ALLOWED})`,
    ],
  ] as const) {
    expect(choosePullPolicies({ by: "job", words, allowed })).toEqual({
      ok: false,
      refusal: { fault: "user", message, from: "image: pull_policy" },
    });
  }
  expect(choosePullPolicies({ by: "admin", words: ["never"], allowed: ["always"] })).toMatchObject({
    ok: false,
    refusal: { fault: "admin" },
  });
});

test("choosePullPolicies() blames an unknown word also beside one that is allowed", () => {
  expect(
    choosePullPolicies({ by: "job", words: ["always", "sometimes"], allowed: ["always"] }),
  ).toMatchObject({ ok: false, refusal: { message: expect.stringContaining('"sometimes"') } });
});

test("choosePullPolicies() takes always for a job that names none, else the first allowed", () => {
  for (const [allowed, choice, from] of [
    [["if-not-present", "always"], "always", "image: pull_policy"],
    [["if-not-present", "never"], "if-not-present", ALLOWED],
    [["never"], "never", ALLOWED],
    [undefined, "always", "image: pull_policy"],
  ] as const) {
    expect(choosePullPolicies({ by: "job", words: [], allowed })).toMatchObject({
      ok: true,
      value: [{ choice, from }],
    });
  }
});

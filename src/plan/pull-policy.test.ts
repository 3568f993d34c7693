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

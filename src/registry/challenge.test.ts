import { expect, test } from "bun:test";
import { parseChallenges } from "./challenge.ts";

test.each([
  [
    "GitLab's",
    'Bearer realm="https://gitlab.example/jwt/auth",service="container_registry",scope="repository:a/b:pull"',
    [
      {
        scheme: "bearer",
        parameters: {
          realm: "https://gitlab.example/jwt/auth",
          service: "container_registry",
          scope: "repository:a/b:pull",
        },
      },
    ],
  ],
  ["Basic", 'Basic realm="x"', [{ scheme: "basic", parameters: { realm: "x" } }]],
  [
    "several in one header",
    'Basic realm="a, b", Bearer realm=plain , scope="pull,push"',
    [
      { scheme: "basic", parameters: { realm: "a, b" } },
      { scheme: "bearer", parameters: { realm: "plain", scope: "pull,push" } },
    ],
  ],
  ["escaped quotes", 'X a="say \\"hi\\""', [{ scheme: "x", parameters: { a: 'say "hi"' } }]],
  [
    "odd case and spaces",
    'BEARER  Realm = "r"',
    [{ scheme: "bearer", parameters: { realm: "r" } }],
  ],
  ["a scheme alone", "Negotiate", [{ scheme: "negotiate", parameters: {} }]],
  ["an open quote", 'Bearer realm="x', [{ scheme: "bearer", parameters: { realm: '"x' } }]],
  ["nothing", "", []],
  ["rubbish", '"" ,,; =', []],
])("reads %s", (_, header, challenges) => {
  expect(parseChallenges(header)).toEqual(challenges);
});

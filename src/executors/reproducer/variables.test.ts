import { expect, test } from "bun:test";
import { giveVariables } from "./variables.ts";

const give = (
  variables: Record<string, string>,
  secrets: readonly string[] = [],
  more: { files?: readonly string[]; redact?: (text: string) => string } = {},
) => giveVariables({ variables, secrets, files: [], redact: (text) => text, ...more });
const text = (name: string, value: string) => ({ kind: "text", name, parts: [{ text: value }] });
const asked = (name: string) => ({ kind: "asked", name });

test("what is no secret is written as it is, but for names that no shell takes", () => {
  expect(give({ A: "1", "B-C": "2", D: "" })).toEqual([text("A", "1"), text("D", "")] as never);
});

test("a secret is asked for once, first, by the token's name where it is the token", () => {
  const variables = { PLAIN: "x", CI_REGISTRY_PASSWORD: "token-1", CI_JOB_TOKEN: "token-1" };
  expect(give(variables, ["CI_REGISTRY_PASSWORD", "CI_JOB_TOKEN"])).toEqual([
    asked("CI_JOB_TOKEN"),
    text("PLAIN", "x"),
    { kind: "text", name: "CI_REGISTRY_PASSWORD", parts: [{ asked: "CI_JOB_TOKEN" }] },
  ] as never);
});

test("a value that holds secrets is put together of them, the longer ones first", () => {
  const variables = { KEY: "abcd", LONG: "abcd-ef", URL: "https://abcd:abcd-ef@x/" };
  const parts = [{ asked: "KEY" }, { text: ":" }, { asked: "LONG" }, { text: "@x/" }];
  expect(give(variables, ["KEY", "LONG"])[2]).toEqual({
    kind: "text",
    name: "URL",
    parts: [{ text: "https://" }, ...parts],
  });
});

test("a value with a secret of no variable is asked for as a whole", () => {
  const redact = (value: string) => value.replaceAll("hidden", "[MASKED]");
  expect(give({ URL: "https://hidden@x/" }, [], { redact })).toEqual([asked("URL")] as never);
});

test("a file is asked for by its path, whether it is secret or not; a short secret is no part of others", () => {
  expect(
    give({ CONFIG: "/tmp/c", PIN: "1", N: "211" }, ["CONFIG", "PIN"], { files: ["CONFIG"] }),
  ).toEqual([{ kind: "file", name: "CONFIG" }, asked("PIN"), text("N", "211")] as never);
});

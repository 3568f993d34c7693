import { expect, test } from "bun:test";
import { keyPath, stepsOf } from "./key-path.ts";

test.each([
  [["general", "executor"], "general.executor"],
  [["servers", 0, "name"], "servers[0].name"],
  [["tls-ca-file"], "tls-ca-file"],
  [["a.b", "c"], '"a.b".c'],
  [["a", "b", "c"], "a.b.c"],
  [["", 'q"'], '""."q\\""'],
  [[], ""],
])("%p is written %p", (path, text) => {
  expect(keyPath(path)).toBe(text);
});

test("stepsOf() takes the path of a table apart again", () => {
  for (const path of [[], ["general"], ["general", "charliecloud", "mirror", 12], ["tls-ca", 0]]) {
    expect(stepsOf(keyPath(path))).toEqual(path);
  }
});

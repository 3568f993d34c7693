import { expect, test } from "bun:test";
import { keyPath } from "./key-path.ts";

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

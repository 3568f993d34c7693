import { expect, test } from "bun:test";
import { expandVariables } from "./expand.ts";

const VARIABLES = { A: "one", B_2: "$A", a: "small" };

test.each([
  ["$A-${A}x", "one-onex"],
  ["$Ax", ""],
  ["$B_2", "$A"],
  ["$a/$A", "small/one"],
  ["[$NONE${NONE}]", "[]"],
  ["[$toString$constructor$__proto__${hasOwnProperty}]", "[]"],
  ["$1 $ ${1} ${A $$A $(id) `id`", "$1 $ ${1} ${A $one $(id) `id`"],
])("%s becomes %s", (text, expanded) => {
  expect(expandVariables(text, VARIABLES)).toBe(expanded);
});

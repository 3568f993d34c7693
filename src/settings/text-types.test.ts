import { expect, test } from "bun:test";
import { TEXT_TYPES } from "./text-types.ts";

const TEXTS = [
  ...["0", "+0", "-0", "120s", "2m", "1h30m", "1.5h", ".5s", "5.s", "500ms", "7us", "7µs", "7μs"],
  ...["+5h", "-5h", "5", "s", "1h 30m", "1d", "h5", "", " 5s", "5s ", "5S", "1e3s", "٣s"],
  ...["30d", "1d12h", "0.5d", "1d0", "1d.5h", "1d5.h", "1d+5h", "d", "1dd", "1.d", "-1d", "1d2d"],
  ...["500", "500 ", "500B", "50GB", "50gb", "20GiB", "1.5 TB", "1.TB", "5G", "5K", "5 kiB", "5EB"],
  ...["5%", "2.5%", "100%", "100.0 %", "100.1%", "101%", "007%", "99.99%", "1000%", "0100%", "%"],
];

test("the pattern of each type matches what the type can be read from, and nothing else", () => {
  for (const [name, { parse, pattern }] of Object.entries(TEXT_TYPES)) {
    const expression = new RegExp(`^(?:${pattern})$`);
    for (const text of TEXTS) {
      expect([name, text, expression.test(text)]).toEqual([name, text, parse(text) !== undefined]);
    }
  }
});

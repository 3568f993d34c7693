import { afterAll, afterEach, describe, expect, spyOn, test } from "bun:test";
import { answerBar, type Bar, type Case, type Figure, measure, table, timeOf } from "./harness.ts";

/** A case that gives the figures one after the other and notes when it was run. */
function scripted(name: string, figures: number[], calls: string[] = []): Case {
  return {
    name,
    run: () => {
      calls.push(name);
      return figures.shift() ?? Number.NaN;
    },
  };
}

describe("measure()", () => {
  test("takes the rounds in turn, back and forth, after the warm-up", async () => {
    const calls: string[] = [];
    const cases = [scripted("a", [9, 1, 2, 3], calls), scripted("b", [9, 4, 5, 6], calls)];
    const [a, b] = await measure(cases, { rounds: 3 });
    expect(calls.join("")).toBe("baabbaab");
    expect(a).toEqual({ name: "a", median: 2, min: 1, max: 3, samples: [1, 2, 3] });
    expect(b).toEqual({ name: "b", median: 5, min: 4, max: 6, samples: [4, 5, 6] });
  });

  test("takes the middle between two for an even number, and does not mind the order", async () => {
    const [one] = await measure([scripted("a", [8, 1, 100, 2])], { rounds: 4, warmup: 0 });
    expect(one).toMatchObject({ median: 5, min: 1, max: 100 });
  });

  test("waits for cases that take their time", async () => {
    const run = async () => {
      await Bun.sleep(1);
      return 7;
    };
    expect(await measure([{ name: "a", run }], { rounds: 1 })).toMatchObject([{ median: 7 }]);
  });

  test("refuses to measure nothing", async () => {
    await expect(measure([], { rounds: 0 })).rejects.toThrow(RangeError);
  });
});

test("timeOf() returns milliseconds, and throws for a command that fails", () => {
  const slept = timeOf(["sleep", "0.05"]);
  expect(slept).toBeGreaterThan(49);
  expect(slept).toBeLessThan(5000);
  expect(() => timeOf(["false"])).toThrow("status 1");
});

test("table() lines the figures up", () => {
  const text = table(
    [
      { name: "short", median: 4.256, min: 4, max: 10.04, samples: [1, 2] },
      { name: "a longer name", median: 1234.5, min: 99.96, max: 0.01234, samples: [1, 2] },
    ],
    "ms",
  );
  expect(text).toBe(
    [
      "               median ms   min     max  rounds",
      "short               4.26  4.00    10.0       2",
      "a longer name       1235   100  0.0123       2",
    ].join("\n"),
  );
});

describe("answerBar()", () => {
  const say = spyOn(console, "log").mockImplementation(() => {});
  const complain = spyOn(console, "error").mockImplementation(() => {});
  afterEach(() => {
    say.mockClear();
    complain.mockClear();
  });
  afterAll(() => {
    say.mockRestore();
    complain.mockRestore();
  });
  const bar = (...limits: Figure["limit"][]): Bar => ({
    name: "run",
    measure: () =>
      limits.map((limit, at) => ({ name: `start ${at}`, value: 12, unit: "ms", limit })),
  });

  test.each([
    [{ most: 12 }, 0, "start 0: 12.0 ms, at most 12: held"],
    [{ most: 11.9 }, 1, "start 0: 12.0 ms, at most 11.9: MISSED"],
    [{ least: 12 }, 0, "start 0: 12.0 ms, at least 12: held"],
    [{ least: 13 }, 1, "start 0: 12.0 ms, at least 13: MISSED"],
  ] as const)("compares the figure with %j", async (limit, status, line) => {
    expect(await answerBar(["--bar", "run"], [bar(limit)])).toBe(status);
    expect(say.mock.calls[0]).toEqual([line]);
  });

  test("says which of several limits were missed", async () => {
    const limits = [{ most: 1 }, { least: 1 }, { least: 20 }];
    expect(await answerBar(["--bar", "run"], [bar(...limits)])).toBe(1);
    expect(say.mock.calls.at(-1)).toEqual(["run: 2 of 3 MISSED: start 0; start 2"]);
  });

  test("is held when all limits are", async () => {
    expect(await answerBar(["--bar", "run"], [bar({ most: 12 }, { least: 1 })])).toBe(0);
    expect(say.mock.calls.at(-1)).toEqual(["run: all of 2 held"]);
  });

  test("does not take a figure that is no number for one that is held", async () => {
    const measure = () => [{ name: "a", value: Number.NaN, unit: "s", limit: { most: 1 } }];
    expect(await answerBar(["--bar", "run"], [{ name: "run", measure }])).toBe(1);
    await expect(answerBar(["--bar", "run"], [bar()])).rejects.toThrow("measured nothing");
  });

  test("says which bars there are when the name is unknown or missing", async () => {
    for (const argv of [["--bar", "x"], ["--bar"]])
      expect(await answerBar(argv, [bar({ most: 1 })])).toBe(64);
    expect(complain.mock.calls[0]).toEqual(['bench: no bar "x"; there are run']);
  });

  test("does nothing without the option", async () => {
    expect(await answerBar([], [bar({ most: 1 })])).toBeUndefined();
    expect(say).not.toHaveBeenCalled();
  });
});

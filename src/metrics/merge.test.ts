import { expect, test } from "bun:test";
import parse from "parse-prometheus-text-format";
import { BUCKETS, METRICS, seriesNames } from "./definitions.ts";
import type { AttemptFigures, News } from "./figures.ts";
import { emptyTotals, mergeNews, observe } from "./merge.ts";
import { textFormat } from "./text-format.ts";

const FIGURES: AttemptFigures = {
  executor: "slurm",
  outcome: "success",
  seconds: [
    { phase: "queue", seconds: 42 },
    { phase: "run", seconds: 90_000 },
  ],
  images: [
    { puller: "builtin", hit: false, bytes: 1000 },
    { puller: "builtin", hit: true, bytes: 500 },
  ],
  evictions: [{ kind: "layer", count: 3, bytes: 700 }],
};
const holder = { host: "n1", boot: "b", pid: 1, start: "1" };
const attempt = { executor: "slurm", holder, expires: 10 } as const;
const ended = (token: string, figures: AttemptFigures = FIGURES): News => {
  return { version: 1, token, kind: "ended", figures };
};
const started = (token: string): News => ({ version: 1, token, kind: "started", attempt });
const never = () => false;

/** The value of one line. */
function lineValue(text: string, line: string): string | undefined {
  return text
    .split("\n")
    .find((one) => one.startsWith(`${line} `))
    ?.slice(line.length + 1);
}

test("what is told twice, or in the wrong order, counts once", () => {
  const once = mergeNews(
    emptyTotals("n1"),
    [ended("a"), started("a"), started("b"), ended("a")],
    never,
  );
  const twice = mergeNews(once, [ended("a"), started("a"), started("b")], never);
  for (const totals of [once, twice]) {
    const text = textFormat(totals);
    expect(lineValue(text, 'jacamar_attempts_total{executor="slurm",outcome="success"}')).toBe("1");
    expect(lineValue(text, 'jacamar_running_jobs{executor="slurm"}')).toBe("1");
  }
});

test("merging in one go or one by one gives the same text", () => {
  const news = [ended("a"), ended("b", { ...FIGURES, outcome: "refused" }), started("c")];
  const atOnce = mergeNews(emptyTotals("n1"), news, never);
  const oneByOne = news.reduce((totals, one) => mergeNews(totals, [one], never), emptyTotals("n1"));
  expect(textFormat(oneByOne)).toBe(textFormat(atOnce));
});

test("a running attempt whose runner has gone is not running; the executor stays with 0", () => {
  const running = mergeNews(emptyTotals("n1"), [started("a"), ended("b")], never);
  const after = mergeNews(running, [], () => true);
  expect(lineValue(textFormat(after), 'jacamar_running_jobs{executor="slurm"}')).toBe("0");
});

test("images, bytes and evictions are added up", () => {
  const text = textFormat(mergeNews(emptyTotals("n1"), [ended("a"), ended("b")], never));
  const value = (line: string) => lineValue(text, line);
  expect(value('jacamar_cache_images_total{puller="builtin",result="miss"}')).toBe("2");
  expect(value('jacamar_cache_image_bytes_total{puller="builtin",result="hit"}')).toBe("1000");
  expect(value('jacamar_cache_evictions_total{kind="layer"}')).toBe("6");
  expect(value('jacamar_cache_evicted_bytes_total{kind="layer"}')).toBe("1400");
});

test("an observation falls into the first bucket that holds it; clocks that go back count as 0", () => {
  const at = (value: number) => observe(undefined, value).counts.indexOf(1);
  expect([0, 0.1, 0.11, 86_400, 86_401].map(at)).toEqual([0, 0, 1, 12, BUCKETS.length]);
  expect([-5, Number.NaN, "9" as never].map((value) => observe(undefined, value).sum)).toEqual([
    0, 0, 0,
  ]);
  const other = observe({ counts: [1, 2], sum: 3 }, 1);
  expect([other.counts.length, other.sum]).toEqual([BUCKETS.length + 1, 1]);
});

test("a label cannot have a value that is not one of its few", () => {
  const odd = { ...FIGURES, executor: "group/project" as never };
  expect(() => mergeNews(emptyTotals("n1"), [ended("a", odd)], never)).toThrow("no executor");
});

test("ends are remembered for a while, not for ever", () => {
  const many = Array.from({ length: 600 }, (_, at) => ended(`t${at}`));
  const all = mergeNews(emptyTotals("n1"), many, never);
  expect(all.ended.length).toBe(600);
  expect(mergeNews(all, [ended("x")], never).ended.length).toBe(256);
});

test("a parser of the format finds every metric with its type, help and value", () => {
  const text = textFormat(mergeNews(emptyTotals("n1"), [ended("a"), started("b")], never));
  const families = parse(text);
  expect(families.map(({ name, type, help }) => [name, type, help])).toEqual(
    Object.values(METRICS).map(({ name, type, help }) => [name, type.toUpperCase(), help]),
  );
  // The parser throws the labels of histograms together, but not those of metrics without a type.
  const samples = parse(text.replaceAll(/^# TYPE .* histogram\n/gm, ""));
  const value = (name: string, more: object = {}) =>
    samples
      .find((one) => one.name === name)
      ?.metrics.find(({ labels }) =>
        Bun.deepEquals(labels, { executor: "slurm", phase: "queue", ...more }),
      )?.value;
  expect(value("jacamar_phase_seconds_sum")).toBe("42");
  expect(value("jacamar_phase_seconds_count")).toBe("1");
  const buckets = ["30", "60", "86400", "+Inf"].map((le) =>
    value("jacamar_phase_seconds_bucket", { le }),
  );
  expect(buckets).toEqual(["0", "1", "1", "1"]);
  expect(text.endsWith("\n")).toBe(true);
  expect(seriesNames(METRICS.seconds)).toContain("jacamar_phase_seconds_bucket");
});

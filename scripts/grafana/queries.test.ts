import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { emptyTotals, mergeNews } from "../../src/metrics/merge.ts";
import { textFormat } from "../../src/metrics/text-format.ts";
import { type FreshDirectory, freshDirectory } from "../../test/fixtures/directory.ts";
import {
  interpolate,
  labelQuery,
  legend,
  type Panel,
  queryRange,
  readDashboard,
} from "./dashboard.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";
import { SAMPLE_HOSTS, sampleDay } from "./sample-day.ts";
import {
  SAMPLE_END,
  SAMPLE_START,
  SCRAPE_INTERVAL,
  type Scrape,
  sampleScrapes,
} from "./sample-history.ts";

const DAY = { start: SAMPLE_START, end: SAMPLE_END };
const NOON = { start: SAMPLE_START + 11 * 3600, end: SAMPLE_START + 12 * 3600 };
const { panels, templating } = readDashboard();
const targets = panels.flatMap((panel) => panel.targets.map((target) => ({ panel, target })));
const INSTANCES = SAMPLE_HOSTS.map(({ instance }) => instance);

/** A host where nothing has failed yet, no image was there already, and nothing was evicted. */
const YOUNG = "young.example:9100";

function* youngScrapes(): Generator<Scrape> {
  let totals = emptyTotals(YOUNG);
  for (let time = SAMPLE_START; time <= SAMPLE_END; time += SCRAPE_INTERVAL) {
    const figures = {
      executor: "shell",
      outcome: "success",
      seconds: [{ phase: "prepare", seconds: 1 }],
      images: [{ puller: "builtin", hit: false, bytes: 1e6 }],
      evictions: [],
    } as const;
    const news = { version: 1, kind: "ended", token: `${time}`, figures } as const;
    totals = mergeNews(totals, [news], () => false);
    yield { instance: YOUNG, time, text: textFormat(totals) };
  }
}

let directory: FreshDirectory;
let prometheus: Prometheus;
let lastText = "";
beforeAll(async () => {
  directory = freshDirectory("grafana");
  const scrapes = [...sampleScrapes()];
  lastText = scrapes.at(-1)?.text ?? "";
  prometheus = await startPrometheus(directory.path, [...scrapes, ...youngScrapes()]);
});
afterAll(async () => {
  await prometheus?.stop();
  directory.remove();
});

async function ask(
  panel: Panel,
  expr: string,
  { hosts = "all", ...window }: typeof DAY & { readonly hosts?: "all" | readonly string[] },
) {
  const graph = { ...window, width: 780, scrapeInterval: SCRAPE_INTERVAL };
  const range = queryRange(panel, graph);
  const asked = interpolate(expr, { hosts, step: range.step, scrapeInterval: SCRAPE_INTERVAL });
  return await prometheus.query(asked, range);
}

function panelOf(title: string) {
  const panel = panels.find((one) => one.title === title);
  const expr = panel?.targets[0]?.expr;
  if (panel === undefined || expr === undefined) throw new Error(`no panel ${title}`);
  return { panel, expr };
}

test("Prometheus' linter accepts what the driver writes", () => {
  const { exitCode, stderr } = Bun.spawnSync(["promtool", "check", "metrics"], {
    stdin: Buffer.from(lastText),
  });
  expect(lastText).toContain("jacamar_attempts_total");
  expect([stderr.toString(), exitCode]).toEqual(["", 0]);
});

describe.each(targets)("$panel.title, $target.legendFormat", ({ panel, target }) => {
  test.each([
    ["a day", DAY],
    ["an hour", NOON],
  ])("is answered for %s, with the labels of its legend", async (_, window) => {
    const series = await ask(panel, target.expr, window);
    const hasValue = ([, value]: readonly [number, string]) => Number.isFinite(Number(value));
    expect(series.filter(({ values }) => values.some(hasValue))).not.toEqual([]);
    const names = series.map(({ metric }) => legend(target.legendFormat, metric));
    expect(new Set(names).size).toBe(series.length);
    expect(names).not.toContain("");
  });

  test("has few gaps while people work", async () => {
    const window = { start: SAMPLE_START + 9 * 3600, end: SAMPLE_START + 18 * 3600 };
    const series = await ask(panel, target.expr, { ...window, hosts: INSTANCES });
    const points = series.flatMap(({ values }) => values);
    const gaps = points.filter(([, value]) => !Number.isFinite(Number(value)));
    expect(gaps.length / points.length).toBeLessThan(0.4);
  });
});

test("hosts can be chosen, as the metrics name them", async () => {
  const [, variable] = templating.list;
  const { label, metric } = labelQuery(variable.query.query);
  const hosts = await prometheus.labelValues(label, metric, DAY);
  expect([...hosts].sort()).toEqual([...INSTANCES, YOUNG].sort());
  const { panel } = panelOf("Running jobs");
  const expr = 'count by (instance) (jacamar_attempts_total{instance=~"$host"})';
  const chosen = ["login1.example:9100", "build1.example:9100"];
  const series = await ask(panel, expr, { ...DAY, hosts: chosen });
  expect(series.map(({ metric: { instance } }) => instance).sort()).toEqual(chosen.toSorted());
});

test("attempts per hour add up to those of the day", async () => {
  const { panel, expr } = panelOf("Attempts per hour, by outcome");
  const series = await ask(panel, expr, { ...DAY, hosts: INSTANCES });
  const hours = Number.parseInt(panel.interval ?? "", 10) / 60;
  const sum = series
    .flatMap(({ values }) => values)
    .reduce((total, [, value]) => total + hours * Number(value), 0);
  const told = SAMPLE_HOSTS.flatMap(sampleDay);
  const ended = told.filter(({ news }) => news.kind === "ended").length;
  expect(ended).toBeGreaterThan(1000);
  expect(Math.abs(sum / ended - 1)).toBeLessThan(0.05);
});

test.each(["Share of attempts that the system failed", "Image cache: share of hits"])(
  "a host that has none yet has 0, not nothing: %s",
  async (title) => {
    const { panel, expr } = panelOf(title);
    const series = await ask(panel, expr, { ...NOON, hosts: [YOUNG] });
    expect(series).toHaveLength(1);
    expect(new Set(series[0]?.values.map(([, value]) => value))).toEqual(new Set(["0"]));
  },
);

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { METRICS, type Metric, seriesNames } from "../../src/metrics/definitions.ts";
import {
  DASHBOARD_FILE,
  interpolate,
  labelQuery,
  legend,
  parseDashboard,
  queryRange,
  readDashboard,
} from "./dashboard.ts";

const DOCS = `${import.meta.dir}/../../docs`;
const dashboard = readDashboard();
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const metrics: readonly Metric[] = Object.values(METRICS);

/** Each use of a metric in the expressions, with what stands in its braces. */
const uses = expressions.flatMap((expr) =>
  [...expr.matchAll(/(jacamar_\w+)\{([^}]*)\}/g)].map(([, name = "", labels = ""]) => ({
    name,
    labels,
  })),
);

test("the dashboard uses metrics that exist, and all of them", () => {
  const known = metrics.flatMap(seriesNames);
  const named = expressions.flatMap((expr) => expr.match(/jacamar_\w+/g) ?? []);
  expect(named.length).toBe(uses.length);
  for (const name of named) expect(known).toContain(name);
  for (const metric of metrics)
    expect(seriesNames(metric).some((name) => named.includes(name))).toBe(true);
});

test("it asks only for labels and values that a metric can have", () => {
  for (const { name, labels } of uses) {
    const metric = metrics.find((one) => seriesNames(one).includes(name));
    for (const [, label = "", text = ""] of labels.matchAll(/(\w+)=~?"([^"]*)"/g)) {
      // Added by the server that scrapes.
      if (label === "instance") continue;
      for (const value of text.split("|")) expect(metric?.labels[label]).toContain(value);
    }
  }
});

test("it sums by labels that the metric has", () => {
  for (const expr of expressions) {
    const name = /jacamar_\w+/.exec(expr)?.[0] ?? "";
    const metric = metrics.find((one) => seriesNames(one).includes(name));
    const own = [...Object.keys(metric?.labels ?? {}), ...(name.endsWith("_bucket") ? ["le"] : [])];
    for (const [, list = ""] of expr.matchAll(/by \(([^)]*)\)/g))
      for (const label of list.split(", ")) expect(own).toContain(label);
  }
});

test("it has colours only for lines that there can be", () => {
  const known = metrics.flatMap(({ labels }) => Object.values(labels).flat());
  const overrides = dashboard.panels.flatMap(({ fieldConfig }) => fieldConfig.overrides);
  expect(overrides).not.toEqual([]);
  for (const { matcher } of overrides) expect(known).toContain(matcher.options);
});

test("the page names every metric and every value of a label", () => {
  const page = readFileSync(`${DOCS}/metrics.md`, "utf8");
  for (const { name, labels } of metrics) {
    expect(page).toContain(`\`${name}\``);
    for (const value of Object.values(labels).flat()) expect(page).toContain(`\`${value}\``);
  }
});

test("a panel, an option or a variable that nobody here knows is an error", () => {
  const text = readFileSync(DASHBOARD_FILE, "utf8");
  const panel = () => parseDashboard(text.replace('"timeseries"', '"piechart"'));
  const option = () => parseDashboard(text.replace('"unit": "short",', '$& "decimals": 1,'));
  expect(panel).toThrow('panels[0].type must be "timeseries"');
  expect(option).toThrow("panels[0].fieldConfig.defaults.decimals must be removed");
  const variables = { hosts: "all", step: 60, scrapeInterval: 60 } as const;
  expect(() => interpolate('x{a="$team"}', variables)).toThrow(
    "nothing is known to stand for $team",
  );
});

test("variables become what Grafana makes of them", () => {
  const variables = { hosts: ["n1.example:9100", "n2"], step: 900, scrapeInterval: 60 };
  expect(interpolate('rate(x{instance=~"$host"}[$__rate_interval])', variables)).toBe(
    'rate(x{instance=~"(n1\\\\.example:9100|n2)"}[960s])',
  );
  expect(interpolate("x[${__interval}]", variables)).toBe("x[900s]");
  const dense = { hosts: "all", step: 15, scrapeInterval: 60 } as const;
  expect(interpolate('x{a=~"$host"}[$__rate_interval]', dense)).toBe('x{a=~".*"}[240s]');
});

test.each([
  ["a point for each pixel, rounded", {}, 86_400, 120],
  ["no less than the panel's interval", { interval: "15m" }, 86_400, 900],
  ["no less than what is scraped", {}, 3600, 60],
])("the step of a graph: %s", (_, panel, length, step) => {
  const graph = { start: 1000, end: 1000 + length, width: 780, scrapeInterval: 60 };
  const range = queryRange(panel, graph);
  expect(range.step).toBe(step);
  expect(range.start % step).toBe(0);
  expect(range.start).toBeLessThanOrEqual(1000);
});

test("legends and queries for labels are read as far as the dashboard needs it", () => {
  expect(legend("{{kind}} of {{ host }}", { kind: "layer", host: "n1" })).toBe("layer of n1");
  expect(() => legend("{{kind}}", { host: "n1" })).toThrow("no label kind");
  expect(labelQuery("label_values(up, instance)")).toEqual({ metric: "up", label: "instance" });
  expect(() => labelQuery("query_result(up)")).toThrow("wanted label_values");
});

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { METRICS, type Metric, seriesNames } from "../src/metrics/definitions.ts";

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const DOCS = `${import.meta.dir}/../docs`;
const dashboard = JSON.parse(readFileSync(`${DOCS}/grafana/jacamar.json`, "utf8")) as Dashboard;
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

test("the page names every metric and every value of a label", () => {
  const page = readFileSync(`${DOCS}/metrics.md`, "utf8");
  for (const { name, labels } of metrics) {
    expect(page).toContain(`\`${name}\``);
    for (const value of Object.values(labels).flat()) expect(page).toContain(`\`${value}\``);
  }
});

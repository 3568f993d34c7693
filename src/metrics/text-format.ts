import { BUCKETS, METRICS, type Metric } from "./definitions.ts";
import type { Histogram, Series, Totals } from "./merge.ts";

/** The totals in Prometheus' text format 0.0.4, ordered by metric and labels. */
export function textFormat(totals: Totals): string {
  return Object.values(METRICS)
    .map((metric) => block(metric, totals))
    .join("");
}

function block(metric: Metric, totals: Totals): string {
  const lines =
    metric.type === "histogram"
      ? of(metric, totals.histograms).flatMap((one) => histogramLines(metric, one))
      : of(metric, metric.type === "gauge" ? running(totals) : totals.counters).map(
          ({ labels, value }) => `${metric.name}${labelText(metric, labels)} ${value}`,
        );
  if (lines.length === 0) return "";
  const head = [`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.type}`];
  return `${[...head, ...lines].join("\n")}\n`;
}

function of<T>({ name }: Metric, all: Readonly<Record<string, Series<T>>>): Series<T>[] {
  return Object.entries(all)
    .filter(([, series]) => series.name === name)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, series]) => series);
}

/** Also for executors of which no job runs any more: a gauge that vanishes says nothing. */
function running({ running: attempts, counters }: Totals): Record<string, Series<number>> {
  const seen = Object.values(counters)
    .filter(({ name }) => name === METRICS.attempts.name)
    .map(({ labels }) => labels[0] ?? "");
  const now = Object.values(attempts).map(({ executor }) => executor);
  return Object.fromEntries(
    [...new Set<string>([...seen, ...now])].map((executor) => {
      const value = now.filter((one) => one === executor).length;
      return [executor, { name: METRICS.running.name, labels: [executor], value }];
    }),
  );
}

function histogramLines(metric: Metric, { labels, value }: Series<Histogram>): string[] {
  let total = 0;
  const buckets = value.counts.map((count, at) => {
    total += count;
    const bound = BUCKETS[at] ?? "+Inf";
    return `${metric.name}_bucket${labelText(metric, labels, `le="${bound}"`)} ${total}`;
  });
  const text = labelText(metric, labels);
  return [
    ...buckets,
    `${metric.name}_sum${text} ${value.sum}`,
    `${metric.name}_count${text} ${total}`,
  ];
}

/** The values are words of closed sets, which need no escape. */
function labelText(metric: Metric, values: readonly string[], more?: string): string {
  const pairs = Object.keys(metric.labels).map((label, at) => `${label}="${values[at]}"`);
  return `{${[...pairs, ...(more === undefined ? [] : [more])].join(",")}}`;
}

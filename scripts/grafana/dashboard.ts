/** The dashboard in docs/grafana, and how Grafana asks a Prometheus what stands in it. */
import "../../src/settings/arktype-config.ts";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type } from "arktype";
import type { QueryRange } from "./prometheus.ts";

export const DASHBOARD_FILE = resolve(import.meta.dir, "../../docs/grafana/jacamar.json");

const DataSource = type({ type: "'prometheus'", uid: "'${datasource}'" });

const DataSourceVariable = type({
  name: "'datasource'",
  type: "'datasource'",
  query: "'prometheus'",
  label: "string",
});

const QueryVariable = type({
  name: "string",
  type: "'query'",
  label: "string",
  datasource: DataSource,
  query: { query: "string", refId: "string" },
  includeAll: "true",
  multi: "true",
  allValue: "'.*'",
  current: { text: "'All'", value: "'$__all'" },
  refresh: "2",
});

const Target = type({ refId: "string", expr: "string", legendFormat: "string" });

/** A colour for the line of one name. */
const Override = type({
  matcher: { id: "'byName'", options: "string" },
  properties: type({
    id: "'color'",
    value: { mode: "'fixed'", fixedColor: "string" },
  }).array(),
});

const Panel = type({
  id: "number",
  type: "'timeseries'",
  title: "string",
  "description?": "string",
  datasource: DataSource,
  gridPos: { h: "number", w: "number", x: "number", y: "number" },
  "interval?": /^\d+m$/,
  fieldConfig: {
    defaults: {
      unit: "'short' | 's' | 'percentunit' | 'bytes' | 'Bps'",
      min: "number",
      "max?": "number",
      "custom?": {
        "stacking?": { mode: "'normal'", group: "'A'" },
        "fillOpacity?": "number",
        "spanNulls?": "number | boolean",
        "drawStyle?": "'line' | 'bars'",
      },
    },
    overrides: Override.array(),
  },
  targets: Target.array().atLeastLength(1),
});

/** What is known here of Grafana's dashboards: a key that is not stands for something that nobody would look at. */
const Dashboard = type({
  title: "string",
  uid: "string",
  schemaVersion: "39",
  version: "number",
  editable: "boolean",
  tags: "string[]",
  time: { from: "'now-24h'", to: "'now'" },
  refresh: "'1m'",
  templating: { list: [DataSourceVariable, QueryVariable] },
  panels: Panel.array().atLeastLength(1),
}).onDeepUndeclaredKey("reject");

export type Dashboard = typeof Dashboard.infer;
export type Panel = typeof Panel.infer;

/** @throws {Error} For a dashboard with a panel or option that is not known here. */
export function parseDashboard(text: string): Dashboard {
  const dashboard = Dashboard(JSON.parse(text));
  if (dashboard instanceof type.errors)
    throw new Error(`The dashboard has what is not known here: ${dashboard.summary}`);
  return dashboard;
}

export function readDashboard(): Dashboard {
  return parseDashboard(readFileSync(DASHBOARD_FILE, "utf8"));
}

/** What Grafana puts in the place of an expression's variables. */
export interface Variables {
  readonly hosts: "all" | readonly string[];
  /** In seconds: from one point of the graph to the next. */
  readonly step: number;
  /** In seconds, as the data source in Grafana is told. */
  readonly scrapeInterval: number;
}

/** @throws {Error} For a variable that neither Grafana nor the dashboard has. */
export function interpolate(expr: string, variables: Variables): string {
  const { hosts, step, scrapeInterval } = variables;
  const values: Readonly<Record<string, string>> = {
    host: hosts === "all" ? ".*" : `(${hosts.map(escapeRegex).join("|")})`,
    __interval: `${step}s`,
    __rate_interval: `${Math.max(step + scrapeInterval, 4 * scrapeInterval)}s`,
  };
  return expr.replaceAll(/\$\{?(\w+)\}?/g, (text, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${expr}: nothing is known to stand for ${text}`);
    return value;
  });
}

/** For RE2 within a string of PromQL. */
function escapeRegex(text: string): string {
  return text.replaceAll(/[$^*{}[\]+?.()|\\]/g, "\\\\$&");
}

/** In seconds; Grafana's choice of steps, as far as a month's graph needs it. */
const STEPS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800];

export interface Graph {
  readonly start: number;
  readonly end: number;
  /** In pixels: a graph gets no more points than that. */
  readonly width: number;
  readonly scrapeInterval: number;
}

/** The points that Grafana asks for, at multiples of the step between them. */
export function queryRange(panel: Pick<Panel, "interval">, graph: Graph): QueryRange {
  const exact = (graph.end - graph.start) / graph.width;
  const nearest = STEPS.reduce((best, step) =>
    Math.abs(step - exact) <= Math.abs(best - exact) ? step : best,
  );
  const least = panel.interval === undefined ? 0 : 60 * Number.parseInt(panel.interval, 10);
  const step = Math.max(nearest, least, graph.scrapeInterval);
  const aligned = (time: number) => Math.floor(time / step) * step;
  return { start: aligned(graph.start), end: aligned(graph.end), step };
}

/** The name of a line in the graph. */
export function legend(format: string, labels: Readonly<Record<string, string>>): string {
  return format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => {
    const value = labels[label];
    if (value === undefined)
      throw new Error(`${format}: no label ${label} in ${JSON.stringify(labels)}`);
    return value;
  });
}

/** Label and metric of `label_values(METRIC, LABEL)`. */
export function labelQuery(query: string): { readonly metric: string; readonly label: string } {
  const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
  if (metric === undefined || label === undefined)
    throw new Error(`${query}: wanted label_values(METRIC, LABEL)`);
  return { metric, label };
}

import type { Dashboard } from "../dashboard.ts";
import type { QueryRange, QuerySeries } from "../prometheus.ts";

/** Prometheus' answer to one query of a panel. */
export interface Answer {
  readonly refId: string;
  readonly series: readonly (QuerySeries & { readonly legend: string })[];
}

/** A panel's answers by its place in the dashboard, and the range that was asked for. */
export interface PanelInput {
  readonly range: QueryRange;
  readonly answers: readonly Answer[];
}

/** All that the page draws. */
export interface PageInput {
  readonly dashboard: Dashboard;
  readonly panels: readonly PanelInput[];
  /** In seconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** In seconds. */
  readonly scrapeInterval: number;
  /** For how many pixels the ranges were chosen. */
  readonly graphWidth: number;
}

/** What the page says when it has drawn, or cannot. */
export type PageReport =
  | { readonly error: string; readonly height?: never }
  /** In pixels: of all that was drawn. */
  | { readonly error?: never; readonly height: number };

import {
  applyFieldOverrides,
  type DataFrame,
  dateTime,
  type FieldConfig,
  type FieldConfigPropertyItem,
  FieldType,
  type GrafanaTheme2,
  Registry,
  rangeUtil,
  type TimeRange,
  toDataFrame,
} from "@grafana/data";
import {
  BarAlignment,
  FieldColorModeId,
  GraphDrawStyle,
  type GraphFieldConfig,
  GraphGradientMode,
  LineInterpolation,
  StackingMode,
  VisibilityMode,
} from "@grafana/schema";
import type { Panel } from "../dashboard.ts";
import type { PageInput, PanelInput } from "./input.ts";

/** What Grafana's time series panel takes where the dashboard says nothing. */
const DEFAULTS: GraphFieldConfig = {
  drawStyle: GraphDrawStyle.Line,
  lineInterpolation: LineInterpolation.Linear,
  barAlignment: BarAlignment.Center,
  lineWidth: 1,
  fillOpacity: 0,
  gradientMode: GraphGradientMode.None,
  stacking: { mode: StackingMode.None, group: "A" },
  showPoints: VisibilityMode.Auto,
  pointSize: 5,
  spanNulls: false,
  axisGridShow: true,
};

/** The one property that an override may have: see `dashboard.ts`. */
const COLOR: FieldConfigPropertyItem = {
  id: "color",
  path: "color",
  name: "Color",
  process: (value) => value,
  shouldApply: () => true,
  override: () => null,
  editor: () => null,
};

export const TIME_ZONE = "utc";

export function timeRange({ start, end }: PageInput): TimeRange {
  const [from, to] = [dateTime(start * 1000), dateTime(end * 1000)];
  return { from, to, raw: { from, to } };
}

/** The answers of Prometheus as Grafana's data source hands them on, with the panel's options applied. */
export function framesOf(panel: Panel, input: PanelInput, theme: GrafanaTheme2): DataFrame[] {
  const { custom, ...defaults } = panel.fieldConfig.defaults;
  const config: FieldConfig<GraphFieldConfig> = {
    ...defaults,
    color: { mode: FieldColorModeId.PaletteClassic },
    custom: { ...DEFAULTS, ...(custom as GraphFieldConfig) },
  };
  const frames = input.answers.flatMap(({ refId, series }) =>
    series.map(({ metric, values, legend }) =>
      toDataFrame({
        refId,
        fields: [
          {
            name: "Time",
            type: FieldType.time,
            values: values.map(([seconds]) => seconds * 1000),
            config: { interval: input.range.step * 1000 },
          },
          {
            name: "Value",
            type: FieldType.number,
            // As the panel does: what is no number is a gap.
            values: values.map(([, text]) => (Number.isFinite(Number(text)) ? Number(text) : null)),
            labels: { ...metric },
            config: { ...config, displayNameFromDS: legend },
          },
        ],
      }),
    ),
  );
  return applyFieldOverrides({
    data: frames,
    // The defaults stand in the fields already.
    fieldConfig: { defaults: {}, overrides: panel.fieldConfig.overrides },
    fieldConfigRegistry: new Registry(() => [COLOR]),
    replaceVariables: (text) => text,
    theme,
    timeZone: TIME_ZONE,
  });
}

/** @throws {Error} When Prometheus was asked for other points than Grafana would have. */
export function checkStep(panel: Panel, { range }: PanelInput, page: PageInput): void {
  const least = panel.interval ?? `${page.scrapeInterval}s`;
  const { intervalMs } = rangeUtil.calculateInterval(timeRange(page), page.graphWidth, least);
  if (intervalMs !== range.step * 1000)
    throw new Error(`${panel.title}: a step of ${range.step} s; Grafana takes ${intervalMs} ms`);
}

/** The page that draws the dashboard with Grafana's components; `picture.ts` serves it and takes the picture. */
import { createTheme, EventBusSrv, type GrafanaTheme2, ThemeContext } from "@grafana/data";
import { LegendDisplayMode, type VizLegendOptions } from "@grafana/schema";
import {
  GlobalStyles,
  InlineField,
  Input,
  PanelChrome,
  PanelContextProvider,
  TimeSeries,
} from "@grafana/ui";
import { createRoot } from "react-dom/client";
import type { Panel } from "../dashboard.ts";
import { checkStep, framesOf, TIME_ZONE, timeRange } from "./frames.ts";
import type { PageInput, PageReport, PanelInput } from "./input.ts";

/** Of Grafana's dashboards, in pixels. */
const COLUMNS = 24;
const CELL_HEIGHT = 30;
const MARGIN = 8;
const PADDING = 16;

const LEGEND: VizLegendOptions = {
  showLegend: true,
  displayMode: LegendDisplayMode.List,
  placement: "bottom",
  calcs: [],
};

interface GraphProps {
  readonly panel: Panel;
  readonly input: PanelInput;
  readonly page: PageInput;
  readonly theme: GrafanaTheme2;
}

function Graph({ panel, input, page, theme }: GraphProps) {
  const { x, y, w, h } = panel.gridPos;
  const column = (window.innerWidth - 2 * PADDING + MARGIN) / COLUMNS;
  const row = CELL_HEIGHT + MARGIN;
  const frames = framesOf(panel, input, theme);
  return (
    <div style={{ position: "absolute", left: x * column, top: y * row }}>
      <PanelChrome
        title={panel.title}
        {...(panel.description !== undefined && { description: panel.description })}
        width={w * column - MARGIN}
        height={h * row - MARGIN}
      >
        {(width, height) => (
          <TimeSeries
            frames={frames}
            width={width}
            height={height}
            timeRange={timeRange(page)}
            timeZone={TIME_ZONE}
            legend={LEGEND}
          />
        )}
      </PanelChrome>
    </div>
  );
}

function Controls({ page }: { readonly page: PageInput }) {
  const day = (seconds: number) =>
    new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
  const [source, host] = page.dashboard.templating.list;
  const fields = [
    { label: source.label, value: "Prometheus" },
    { label: host.label, value: host.current.text },
    { label: "Time range (UTC)", value: `${day(page.start)} to ${day(page.end)}` },
  ];
  return (
    <div style={{ display: "flex", flexWrap: "wrap", marginTop: 12 }}>
      {fields.map(({ label, value }) => (
        <InlineField key={label} label={label} labelWidth="auto">
          <Input readOnly value={value} width={Math.max(14, value.length)} />
        </InlineField>
      ))}
    </div>
  );
}

function Page({ page, theme }: { readonly page: PageInput; readonly theme: GrafanaTheme2 }) {
  const { title, panels } = page.dashboard;
  const rows = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  const height = rows * (CELL_HEIGHT + MARGIN);
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PanelContextProvider value={{ eventsScope: "picture", eventBus: new EventBusSrv() }}>
        <div id="dashboard" style={{ padding: PADDING }}>
          <h2 style={{ margin: 0 }}>{title}</h2>
          <Controls page={page} />
          <div style={{ position: "relative", height, marginTop: 8 }}>
            {panels.map((panel, at) => {
              const input = page.panels[at];
              if (input === undefined) throw new Error(`${panel.title}: nothing was asked for it`);
              checkStep(panel, input, page);
              return <Graph key={panel.id} {...{ panel, input, page, theme }} />;
            })}
          </div>
        </div>
      </PanelContextProvider>
    </ThemeContext.Provider>
  );
}

async function report(report: PageReport): Promise<void> {
  await fetch("report", { method: "POST", body: JSON.stringify(report) });
}

/** Waits for React and the graphs; how long is for who waits for the report. */
async function drawn(page: PageInput): Promise<PageReport> {
  const count = () => document.querySelectorAll("#dashboard canvas").length;
  while (count() < page.dashboard.panels.length) await new Promise(requestAnimationFrame);
  await document.fonts.ready;
  await new Promise(requestAnimationFrame);
  return { height: document.querySelector("#dashboard")?.scrollHeight ?? 0 };
}

async function main(): Promise<void> {
  const page: PageInput = await (await fetch("input.json")).json();
  const theme = createTheme({ colors: { mode: "dark" } });
  const root = document.querySelector("#root");
  if (root === null) throw new Error("the page has no #root");
  const app = createRoot(root, { onUncaughtError: (error) => void report({ error: `${error}` }) });
  app.render(<Page page={page} theme={theme} />);
  await report(await drawn(page));
}

window.addEventListener("error", ({ message }) => void report({ error: message }));
main().catch((error) => report({ error: `${error}` }));

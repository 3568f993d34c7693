/**
 * Draws docs/pictures/dashboard.png: the dashboard of docs/grafana with the components of Grafana's own library, with
 * the answers that a real Prometheus gives to its queries over the sample day. No Grafana server is part of it.
 *
 * Usage: npm run dashboard
 */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freshDirectory } from "../../test/fixtures/directory.ts";
import { mustRun, SYSTEM_PATH } from "../../test/fixtures/must-run.ts";
import {
  DASHBOARD_FILE,
  interpolate,
  legend,
  type Panel,
  queryRange,
  readDashboard,
} from "./dashboard.ts";
import type { PageInput, PanelInput } from "./page/input.ts";
import { bundlePage, PAGE, visitPage } from "./page-visit.ts";
import { type Prometheus, type QuerySeries, startPrometheus } from "./prometheus.ts";
import { SAMPLE_END, SCRAPE_INTERVAL, sampleScrapes } from "./sample-history.ts";

const ROOT = resolve(import.meta.dir, "../..");
const PICTURE = "docs/pictures/dashboard.png";
/** In pixels: of the picture, and about that of one of two graphs side by side. */
const WIDTH = 1600;
const GRAPH_WIDTH = WIDTH / 2 - 40;

/** Checks the types of the page, and the dashboard against the description in Grafana's schema package. */
function checkTypes(): void {
  const file = join(PAGE, "as-typescript.ts");
  const head = 'import type { DashboardSchema } from "./schema.ts";\n';
  const json = readFileSync(DASHBOARD_FILE, "utf8");
  writeFileSync(file, `${head}export const dashboard: DashboardSchema = ${json}`);
  try {
    mustRun([join(ROOT, "node_modules/.bin/tsc"), "--noEmit", "-p", PAGE], {
      // A script of Node.js, wherever that is.
      env: { PATH: process.env["PATH"] ?? SYSTEM_PATH },
    });
  } finally {
    rmSync(file);
  }
}

/** Asks what Grafana would ask for the last 24 hours. */
async function askAll(prometheus: Prometheus): Promise<PageInput> {
  const dashboard = readDashboard();
  const window = { start: SAMPLE_END - 86_400, end: SAMPLE_END, scrapeInterval: SCRAPE_INTERVAL };
  const panels = dashboard.panels.map(async (panel): Promise<PanelInput> => {
    const range = queryRange(panel, { ...window, width: GRAPH_WIDTH });
    const variables = { hosts: "all", step: range.step, scrapeInterval: SCRAPE_INTERVAL } as const;
    const answers = panel.targets.map(async (target) => {
      const series = await prometheus.query(interpolate(target.expr, variables), range);
      return { refId: target.refId, series: series.map((one) => withLegend(one, target)) };
    });
    return { range, answers: await Promise.all(answers) };
  });
  return { ...window, dashboard, panels: await Promise.all(panels), graphWidth: GRAPH_WIDTH };
}

function withLegend(series: QuerySeries, { legendFormat }: Panel["targets"][number]) {
  return { ...series, legend: legend(legendFormat, series.metric) };
}

async function draw(directory: string, input: PageInput): Promise<void> {
  await bundlePage(directory);
  const file = join(directory, "dashboard.png");
  const visit = { directory, input, width: WIDTH, file };
  // The first visit tells how high the picture must be.
  const height = await visitPage({ ...visit, height: WIDTH });
  await visitPage({ ...visit, height });
  copyFileSync(file, join(ROOT, PICTURE));
}

checkTypes();
const directory = freshDirectory("dashboard");
let prometheus: Prometheus | undefined;
try {
  prometheus = await startPrometheus(join(directory.path, "prometheus"), sampleScrapes());
  await draw(directory.path, await askAll(prometheus));
  console.log(PICTURE);
} finally {
  await prometheus?.stop();
  directory.remove();
}
